// @ts-check
// Where a trace is looked at.

/**
 * The page of a trace in Jaeger; null where either is not known.
 * @param {string | null | undefined} jaeger the address of its pages
 * @param {string | null | undefined} trace
 */
export function traceUrl(jaeger, trace) {
  if (!jaeger || !trace || !/^https?:\/\//.test(jaeger)) return null;
  return `${jaeger.replace(/\/$/, '')}/trace/${encodeURIComponent(trace)}`;
}
