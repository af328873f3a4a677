// @ts-check
// What is on the page as a command line, quoted for a shell.


/** @param {string} text */
export const shell = (text) => (/^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
/** @param {string} text */
export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
/** @param {string} name */
export const identifier = (name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/** A literal of the key's type. @param {Api.Stream} stream @param {string} value */
function keyOf(stream, value) {
  const kind = stream.columns.find(({ name }) => name === stream.key)?.kind;
  return (kind === 'integer' || kind === 'number') && /^-?\d+(\.\d+)?$/.test(value) ? value : quoted(value);
}

/** @param {Api.Stream} stream @param {string} sql @param {string} [format] */
const query = (stream, sql, format) => `beamline query --results ${shell(stream.results)}${format ? ` --format ${format}` : ''} ${shell(sql)}`;

export const command = {
  query,
  /** @param {Api.Stream} stream @param {string} key */
  isKey: (stream, key) => `${identifier(stream.key)} = ${keyOf(stream, key)}`,
  /** @param {Api.Stream} stream @param {Record<string, string>} filters */
  anomalies(stream, filters) {
    const where = [
      filters.key && command.isKey(stream, filters.key),
      filters.reason && `array_has(anomaly_reasons, ${quoted(filters.reason)})`,
      filters.from && `${identifier(stream.time)} >= ${quoted(filters.from)}`,
      filters.to && `${identifier(stream.time)} <= ${quoted(filters.to)}`,
    ].filter(Boolean);
    const sql = `SELECT * FROM anomalies${where.length ? ` WHERE ${where.join(' AND ')}` : ''} ORDER BY ${identifier(stream.time)} DESC LIMIT 50`;
    return query(stream, sql);
  },
  /** @param {Api.Stream} stream */
  deadLetters: (stream) => `beamline dlq list --results ${shell(stream.results)}`,
  /** @param {Api.Stream} stream */
  verify: (stream) => `beamline verify ${shell(stream.results)}`,
};
