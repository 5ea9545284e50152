// What Grafana's InfluxDB source makes of an answer in InfluxQL: data frames, as series or as one table.

import { createDataFrame, FieldType } from '@grafana/data';

/** Return the frames of one query: `target` as it stands in the panel, `series` as InfluxDB answers with epoch=ms. */
export function framesOf(target, series) {
  if (!series.length) return [];
  return target.resultFormat === 'table' ? [asTable(target, series)] : series.flatMap((one) => asSeries(target, one));
}

function asSeries(target, one) {
  const times = one.values.map((row) => row[0]);
  return one.columns.slice(1).map((column, place) => {
    const name = frameName(target.alias, one, column);
    const values = one.values.map((row) => row[place + 1]);
    return createDataFrame({
      refId: target.refId,
      name,
      fields: [
        { name: 'Time', type: FieldType.time, values: times, config: {} },
        { name: 'Value', type: typeOf(values), labels: one.tags, values, config: { displayNameFromDS: name } },
      ],
    });
  });
}

function asTable(target, series) {
  const rows = (pick) => series.flatMap((one) => one.values.map((row) => pick(one, row)));
  const tags = Object.keys(series[0].tags ?? {}).sort();
  const columns = series[0].columns.slice(1);
  return createDataFrame({
    refId: target.refId,
    name: series[0].name,
    fields: [
      { name: 'Time', type: FieldType.time, values: rows((_, row) => row[0]), config: {} },
      ...tags.map((tag) => ({ name: tag, type: FieldType.string, values: rows((one) => one.tags[tag]), config: {} })),
      ...columns.map((name, place) => {
        const values = rows((_, row) => row[place + 1]);
        return { name, type: typeOf(values), values, config: {} };
      }),
    ],
  });
}

function frameName(alias, one, column) {
  if (!alias) return `${one.name}.${column}`;
  return alias.replace(/\$(\w+)|\[\[(\w+)\]\]/g, (whole, bare, bracketed) => {
    const name = bare ?? bracketed;
    if (name === 'col') return column;
    if (name === 'm' || name === 'measurement') return one.name;
    return name.startsWith('tag_') ? (one.tags?.[name.slice(4)] ?? whole) : whole;
  });
}

function typeOf(values) {
  const known = values.find((value) => value !== null && value !== undefined);
  return { string: FieldType.string, boolean: FieldType.boolean }[typeof known] ?? FieldType.number;
}
