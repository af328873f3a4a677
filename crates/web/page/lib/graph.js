// @ts-check
// Places nodes of a graph in columns by their longest way from a source, and arrows between them.

const WIDTH = 196;
const HEIGHT = 60;
const ACROSS = 176;
const DOWN = 30;
/** How far behind a node its arrows bend. */
const BEND = 16;
const EDGE = 16;

/** @typedef {{ d: string, x: number, y: number }} Path an arrow, and where its label stands */

/** The column of each node: one behind the last of those that lead to it. @param {Api.Graph} graph */
export function columns({ nodes, edges }) {
  const place = new Map(nodes.map(({ id }) => [id, 0]));
  // As often as there are nodes is enough for the longest way; a cycle ends here too.
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false;
    for (const { from, to } of edges) {
      const next = (place.get(from) ?? 0) + 1;
      if (place.has(from) && place.has(to) && (place.get(to) ?? 0) < next && next < nodes.length) {
        place.set(to, next);
        moved = true;
      }
    }
    if (!moved) break;
  }
  return place;
}

/** @param {Api.Graph} graph */
export function arrange(graph) {
  const column = columns(graph);
  const rows = /** @type {Map<number, string[]>} */ (new Map());
  for (const { id } of graph.nodes) rows.set(column.get(id) ?? 0, [...(rows.get(column.get(id) ?? 0) ?? []), id]);
  const tallest = Math.max(1, ...[...rows.values()].map((ids) => ids.length));
  const height = 2 * EDGE + tallest * HEIGHT + (tallest - 1) * DOWN;
  const stored = new Set(graph.nodes.filter(({ kind }) => kind === 'table' || kind === 'topic').map(({ id }) => id));
  const places = new Map();
  for (const [at, ids] of rows) {
    // Stages before tables: the way that most records take is one straight line along the upper edge.
    ids.sort((a, b) => Number(stored.has(a)) - Number(stored.has(b)));
    ids.forEach((id, index) => places.set(id, { x: EDGE + at * (WIDTH + ACROSS), y: EDGE + index * (HEIGHT + DOWN), width: WIDTH, height: HEIGHT }));
  }
  const edges = graph.edges.map(({ from, to }) => {
    const a = places.get(from);
    const b = places.get(to);
    return a && b ? arrow(a, b) : undefined;
  });
  return { places, edges, width: 2 * EDGE + rows.size * WIDTH + (rows.size - 1) * ACROSS, height };
}

/** @param {{ x: number, y: number }} a @param {{ x: number, y: number }} b @returns {Path} */
function arrow(a, b) {
  const x1 = a.x + WIDTH;
  const y1 = a.y + HEIGHT / 2;
  const y2 = b.y + HEIGHT / 2;
  const from = Math.max(x1 + BEND, b.x - ACROSS + BEND);
  const way = y1 === y2 ? '' : `H${from}C${from + BEND},${y1} ${from - BEND / 2},${y2} ${from + 2 * BEND},${y2}`;
  return { d: `M${x1},${y1}${way}H${b.x - 2}`, x: b.x - 14, y: y2 - 8 };
}
