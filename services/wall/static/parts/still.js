// A part of a page that is drawn again only when something that it shows has changed.

import { Component } from '../lib.js';

/** `draw()` draws it; `of` lists what it depends on, compared one by one. */
export class Still extends Component {
  shouldComponentUpdate(next) {
    const { of } = this.props;
    return next.of.length !== of.length || next.of.some((each, place) => each !== of[place]);
  }

  render({ draw }) {
    return draw();
  }
}
