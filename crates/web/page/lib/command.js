// @ts-check
// What is on the page as a command line, quoted for a shell.


/** Double quotes where they are the easier ones to read and nothing within them means something. @param {string} text */
export const shell = (text) => (/^[\w./:@=-]+$/.test(text) ? text : /'/.test(text) && !/["$`\\!]/.test(text) ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`);
/** @param {string} text */
export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
/** @param {string} name */
export const identifier = (name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/** A literal of the key's type. @param {Api.Stream} stream @param {string} value */
function keyOf(stream, value) {
  const kind = stream.columns.find(({ name }) => name === stream.key)?.kind;
  return (kind === 'integer' || kind === 'number') && /^-?\d+(\.\d+)?$/.test(value) ? value : quoted(value);
}

/** The options that say where the results are: the server gives them, or a folder. @param {Api.Stream} stream */
const where = ({ results }) => (results.startsWith('--') ? results : `--results ${shell(results)}`);
/** @param {Api.Stream} stream @param {string} sql */
const query = (stream, sql) => `beamline query ${where(stream)} ${shell(sql)}`;

export const command = {
  query,
  /** @param {Api.Stream} stream @param {string} key */
  isKey: (stream, key) => `${identifier(stream.key)} = ${keyOf(stream, key)}`,
  /** @param {Api.Stream} stream @param {Record<string, string>} filters */
  anomalies(stream, filters) {
    const chosen = [
      filters.key && command.isKey(stream, filters.key),
      filters.reason && `anomaly_reasons LIKE ${quoted(`%${filters.reason}%`)}`,
      filters.from && `${identifier(stream.time)} >= ${quoted(filters.from)}`,
      filters.to && `${identifier(stream.time)} <= ${quoted(filters.to)}`,
    ].filter(Boolean);
    const sql = `SELECT * FROM anomalies${chosen.length ? ` WHERE ${chosen.join(' AND ')}` : ''} ORDER BY ${identifier(stream.time)} DESC LIMIT 50`;
    return query(stream, sql);
  },
  /** @param {Api.Stream} stream */
  deadLetters: (stream) => `beamline dlq list ${where(stream)}`,
  /** @param {Api.Stream} stream */
  verify: (stream) => `beamline verify ${where(stream).replace(/^--results /, '')}`,
};
