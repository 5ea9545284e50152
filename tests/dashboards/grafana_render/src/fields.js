// Frames made ready for a panel: transformed, overridden, each field with Grafana's own display processor.

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  FieldColorModeId,
  getFieldDisplayName,
  valueMappingsOverrideProcessor,
  Registry,
  standardTransformers,
  standardTransformersRegistry,
  thresholdsOverrideProcessor,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((one) => ({
    id: one.id,
    name: one.name,
    transformation: one,
    aliasIds: one.aliasIds,
    imageDark: '',
    imageLight: '',
  }))
);

const PROCESSORS = { thresholds: thresholdsOverrideProcessor, mappings: valueMappingsOverrideProcessor };
const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'links', 'color', 'thresholds', 'mappings'];
const CUSTOM = [
  'width minWidth align cellOptions wrapText inspect filterable hideFrom drawStyle lineWidth fillOpacity pointSize showPoints',
  'lineStyle thresholdsStyle axisPlacement axisLabel axisSoftMin axisSoftMax axisGridShow axisWidth stacking',
  'lineInterpolation barAlignment spanNulls gradientMode axisCenteredZero axisColorMode barWidthFactor',
]
  .join(' ')
  .split(' ');

/** Settings that Grafana has and this list has not: a page that uses one is not checked for it. */
export const unknownSettings = new Set();

const registry = new Registry(() => [
  ...STANDARD.map((id) => item(id, id, false)),
  ...CUSTOM.map((id) => item(`custom.${id}`, id, true)),
]);

function item(id, path, isCustom) {
  const process = PROCESSORS[id] ?? ((value) => value);
  return { id, path, isCustom, name: id, process, shouldApply: () => true, settings: {} };
}

/** Return the frames of a panel as it draws them. */
export async function prepared(panel, frames, { theme, timeZone, interpolate }) {
  const transformed = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames, { interpolate }));
  const fieldConfig = structuredClone(panel.fieldConfig);
  for (const { properties } of fieldConfig.overrides) {
    for (const { id } of properties) if (!registry.getIfExists(id)) unknownSettings.add(id);
  }
  fieldConfig.defaults.custom = { ...(CUSTOM_DEFAULTS[panel.type] ?? {}), ...fieldConfig.defaults.custom };
  for (const { steps } of thresholdsOf(fieldConfig)) steps[0].value = -Infinity;
  fieldConfig.defaults.color ??= { mode: FieldColorModeId.Thresholds };
  const ready = applyFieldOverrides({
    data: transformed,
    fieldConfig,
    replaceVariables: interpolate,
    theme,
    timeZone,
    fieldConfigRegistry: registry,
  });
  cacheFieldDisplayNames(ready);
  return ready;
}

/** Return all thresholds of a panel: their first step has no value in JSON, and Grafana gives it one on loading. */
function thresholdsOf({ defaults, overrides }) {
  const overridden = overrides.flatMap(({ properties }) => properties.filter(({ id }) => id === 'thresholds'));
  return [defaults.thresholds, ...overridden.map(({ value }) => value)].filter(Boolean);
}

const CUSTOM_DEFAULTS = {
  timeseries: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    showPoints: 'auto',
    pointSize: 5,
    spanNulls: false,
    axisPlacement: 'auto',
    axisLabel: '',
    axisColorMode: 'text',
    axisBorderShow: false,
    barAlignment: 0,
    barWidthFactor: 0.6,
    scaleDistribution: { type: 'linear' },
    stacking: { mode: 'none', group: 'A' },
    hideFrom: { tooltip: false, viz: false, legend: false },
    thresholdsStyle: { mode: 'off' },
  },
};

/** Return what a panel says, in words: of each field its name, its unit, and how its values are written. */
export function reported(frames) {
  return frames.map((frame) => ({
    name: frame.name ?? '',
    length: frame.length,
    fields: frame.fields.map((field) => ({
      name: field.config.displayNameFromDS ?? field.name,
      title: getFieldDisplayName(field, frame, frames),
      type: field.type,
      unit: field.config.unit ?? '',
      hidden: Boolean(field.config.custom?.hideFrom?.viz),
      steps: (field.config.thresholds?.steps ?? []).map(({ value }) => value).filter(Number.isFinite),
      values: Array.from(field.values).slice(0, 400),
      shown: Array.from(field.values).slice(0, 400).map((value) => written(field, value)),
    })),
  }));
}

function written(field, value) {
  if (!field.display) return `${value}`;
  const { prefix = '', text, suffix = '' } = field.display(value);
  return `${prefix}${text}${suffix}`;
}
