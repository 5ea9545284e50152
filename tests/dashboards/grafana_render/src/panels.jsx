// A panel as Grafana draws it, where its libraries can; state timelines, bar charts and histograms, which live in the
// application, as a plain drawing of the same fields, with Grafana's colours and texts.

import {
  createTheme,
  FieldType,
  formattedValueToString,
  getFieldColorModeForField,
  getFieldDisplayName,
  getFieldDisplayValues,
  outerJoinDataFrames,
  VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

export const theme = createTheme({ colors: { mode: 'dark' } });
const NAME_PX = 150;
const LINE_PX = 18;

/** Return the drawing of a panel's frames. */
export function Drawing({ panel, frames, range, timeZone, width, height, interpolate }) {
  const Kind = KINDS[panel.type];
  if (!Kind) throw new Error(`no drawing of ${panel.type}`);
  return <Kind {...{ panel, frames, range, timeZone, width, height, interpolate }} />;
}

function values({ panel, frames, timeZone, interpolate }) {
  const { fieldConfig, options } = panel;
  const config = { ...fieldConfig, defaults: { ...fieldConfig.defaults } };
  return getFieldDisplayValues({
    fieldConfig: config,
    reduceOptions: options.reduceOptions,
    replaceVariables: interpolate,
    theme,
    data: frames,
    timeZone,
  });
}

function Stat(props) {
  const { options } = props.panel;
  const all = values(props);
  return (
    <div style={{ display: 'flex' }}>
      {all.map(({ display }, place) => (
        <BigValue
          key={place}
          {...{ theme, width: props.width / all.length, height: props.height, value: display }}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          textMode={options.textMode}
          justifyMode={options.justifyMode}
        />
      ))}
    </div>
  );
}

function Bars(props) {
  const all = values(props);
  const height = Math.min(Math.floor(props.height / Math.max(all.length, 1)) - 6, props.panel.options.maxVizHeight ?? 300);
  return all.map((one, place) => (
    <div key={place} style={{ marginBottom: 6 }}>
      <BarGauge
        {...{ theme, width: props.width, height, field: one.field, display: one.view?.getFieldDisplayProcessor(one.colIndex) }}
        value={{ ...one.display, title: one.display.title }}
        orientation={VizOrientation.Horizontal}
        displayMode={props.panel.options.displayMode}
        namePlacement={props.panel.options.namePlacement}
        valueDisplayMode={props.panel.options.valueMode}
        showUnfilled={props.panel.options.showUnfilled}
        isOverflow={false}
      />
    </div>
  ));
}

function Table(props) {
  const [frame] = props.frames;
  return (
    <TableNG
      data={frame}
      width={props.width}
      height={props.height}
      timeRange={props.range}
      initialSortBy={props.panel.options.sortBy}
      cellHeight={props.panel.options.cellHeight}
      noHeader={!props.panel.options.showHeader}
      enableVirtualization={false}
    />
  );
}

function Series(props) {
  const graphed = props.frames
    .map((frame) => ({ ...frame, fields: frame.fields.filter(({ type }) => type === FieldType.time || type === FieldType.number) }))
    .filter((frame) => frame.fields.length > 1);
  return (
    <TimeSeries
      {...{ frames: graphed, timeRange: props.range, timeZone: props.timeZone, width: props.width, height: props.height }}
      structureRev={1}
      options={props.panel.options}
      legend={props.panel.options.legend}
      replaceVariables={props.interpolate}
    />
  );
}

const colourOf = (field, frame) =>
  field.config.color?.mode === 'fixed' ? theme.visualization.getColorByName(field.config.color.fixedColor) : getFieldColorModeForField(field).getCalculator(field, theme)(0, 0);

function Timeline({ frames, range, width }) {
  const [start, end] = [range.from.valueOf(), range.to.valueOf()];
  const at = (time) => NAME_PX + ((Math.max(time, start) - start) / (end - start)) * (width - NAME_PX);
  const rows = frames.flatMap((frame) => frame.fields.slice(1).map((field) => ({ field, frame, times: frame.fields[0].values })));
  return (
    <svg width={width} height={rows.length * LINE_PX}>
      {rows.map(({ field, frame, times }, row) => (
        <g key={row} transform={`translate(0, ${row * LINE_PX})`}>
          <text x={0} y={12} fontSize={10} fill="#ccc">{getFieldDisplayName(field, frame, frames)}</text>
          {times.map((time, place) => {
            const shown = field.display(field.values[place]);
            const left = at(time);
            const right = at(place + 1 < times.length ? times[place + 1] : end);
            return (
              <g key={place}>
                <rect x={left} y={1} height={LINE_PX - 3} width={Math.max(right - left, 0)} fill={shown.color} />
                {right - left > 40 && <text x={left + 2} y={12} fontSize={10} fill="#000">{shown.text}</text>}
              </g>
            );
          })}
        </g>
      ))}
    </svg>
  );
}

function Chart({ panel, frames, width, height }) {
  const frame = frames.length > 1 ? outerJoinDataFrames({ frames, keepDisplayNames: true }) : frames[0];
  const { xField, stacking, orientation } = panel.options;
  const named = frame.fields.find((field) => field.name === xField || getFieldDisplayName(field, frame) === xField);
  const labels = named ?? frame.fields.find((field) => field.type === FieldType.string);
  const label = (row) => formattedValueToString(labels.display(labels.values[row]));
  const beside = stacking === 'none';
  const shown = frame.fields.filter((field) => field.type === FieldType.number);
  const sums = Array.from({ length: frame.length }, (_, row) => shown.reduce((sum, field) => sum + (field.values[row] ?? 0), 0));
  const most = beside ? Math.max(...shown.flatMap((field) => [...field.values].map((value) => value ?? 0))) : Math.max(...sums);
  const flat = orientation === 'horizontal';
  const thick = (flat ? height : width - 0) / frame.length;
  const long = flat ? width - NAME_PX : height - 70;
  return (
    <svg width={width} height={height}>
      {sums.map((sum, row) => {
        let before = 0;
        return (
          <g key={row}>
            {flat ? (
              <text x={0} y={row * thick + thick / 2} fontSize={11} fill="#ccc">{label(row)}</text>
            ) : (
              <text fontSize={10} fill="#ccc" transform={`translate(${row * thick + 4}, ${long + 14}) rotate(45)`}>{label(row)}</text>
            )}
            {shown.map((field, place) => {
              const share = ((field.values[row] ?? 0) / (stacking === 'percent' ? sum || 1 : most || 1)) * long;
              const from = beside ? 0 : before;
              before += share;
              const part = beside ? (thick - 6) / shown.length : thick - 6;
              const hidden = field.config.custom?.fillOpacity === 0;
              const box = flat
                ? { x: NAME_PX + from, y: row * thick + 3, width: Math.max(share, 0), height: thick - 6 }
                : { x: row * thick + 3 + (beside ? place * part : 0), y: long - from - share, width: part, height: Math.max(share, 0) };
              return <rect key={place} {...box} fill={hidden ? 'none' : colourOf(field, frame)} />;
            })}
          </g>
        );
      })}
    </svg>
  );
}

function Histogram({ frames, width, height, panel }) {
  const all = frames.flatMap((frame) => frame.fields.filter(({ type }) => type === FieldType.number).flatMap((field) => [...field.values]));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const counts = Array(panel.options.bucketCount).fill(0);
  for (const value of all) counts[Math.min(Math.floor(((value - least) / (most - least || 1)) * counts.length), counts.length - 1)] += 1;
  const top = Math.max(...counts);
  const field = frames[0].fields.find(({ type }) => type === FieldType.number);
  return (
    <svg width={width} height={height}>
      {counts.map((count, place) => (
        <rect key={place} x={(place * width) / counts.length} width={width / counts.length - 1} y={(1 - count / top) * (height - 20)} height={(count / top) * (height - 20)} fill="#5794f2" />
      ))}
      <text x={0} y={height - 4} fontSize={11} fill="#ccc">{formattedValueToString(field.display(least))}</text>
      <text x={width - 60} y={height - 4} fontSize={11} fill="#ccc">{formattedValueToString(field.display(most))}</text>
    </svg>
  );
}

const KINDS = {
  stat: Stat,
  bargauge: Bars,
  table: Table,
  timeseries: Series,
  'state-timeline': Timeline,
  barchart: Chart,
  histogram: Histogram,
  text: () => null,
  alertlist: () => null,
};
