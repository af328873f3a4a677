// @ts-check
// The shapes of the server's answers, for the type checker. `/api/v1/openapi.json` describes them in words.

/** @typedef {string | number | boolean | null | object} Cell */
/** @typedef {{ name: string, type: string, kind: string, unit: string | null, doc: string | null }} Column */
/** @typedef {{ name: string, kind: 'learned' | 'rule', asked: number | null, what: string }} Layer */
/**
 * @typedef {object} Stream
 * @property {string} name
 * @property {string} state
 * @property {Column[]} columns
 * @property {string} id
 * @property {string} key
 * @property {string} time
 * @property {string[]} numbers
 * @property {string[]} features
 * @property {{ x: string, y: string } | null} map
 * @property {Layer[]} layers
 * @property {{ name: string, columns: string[] }[]} aggregates
 * @property {string[]} tables
 * @property {string} example
 * @property {string} results
 * @property {string | null} jaeger
 */
/**
 * @typedef {object} Session
 * @property {string} role
 * @property {string} access
 * @property {{ acknowledge: boolean, redrive: boolean, query: boolean }} may
 * @property {string} author
 * @property {string} product
 * @property {string} mode
 * @property {string} epoch
 * @property {number} now_ms
 */
/** @typedef {'ok' | 'watch' | 'bad' | 'off'} Level */
/** @typedef {{ name: string, state: Level, rate: number | null, detail: string }} Stage */
/** @typedef {{ name: string, kind: string, alarms: number, scored: number, share: number, asked: number | null, over: boolean }} LayerCount */
/**
 * @typedef {object} Ledger
 * @property {number} records
 * @property {number} out
 * @property {number} filtered
 * @property {number} dead_lettered
 * @property {number} late
 * @property {number} balance
 * @property {boolean} balances
 * @property {number} unscored
 * @property {number | null} committed_ms
 */
/**
 * @typedef {object} Overview
 * @property {string} stream
 * @property {number} at_ms
 * @property {string} state
 * @property {Level} level
 * @property {string} sentence
 * @property {{ now: number | null, step_s: number, start_s: number, counts: (number | null)[] }} rate
 * @property {{ seconds: number | null, records: number | null }} lag
 * @property {{ from: string, to: string, p50_ms: number | null, p99_ms: number | null, events: number }} latency
 * @property {{ total: number, last_hour: number | null, open: number | null, share: number, layers: LayerCount[] }} alarms
 * @property {{ total: number, open: number, rules: { rule: string, count: number }[] }} dead_letters
 * @property {Ledger} ledger
 * @property {Stage[]} stages
 * @property {{ offered: number, drawn: number, dropped: number, share: number }} drawn
 * @property {{ done: number, total: number }} source
 * @property {string | null} failure
 */
/**
 * @typedef {object} Cause
 * @property {string} layer
 * @property {number} score
 * @property {number | null} threshold
 * @property {string | null} feature
 * @property {number | null} value
 * @property {number | null} expected_low
 * @property {number | null} expected_high
 * @property {number | null} deviation
 */
/** @typedef {{ author: string, at: string, text: string }} Acknowledged */
/**
 * @typedef {object} Anomaly
 * @property {string} id
 * @property {string} key
 * @property {string} time
 * @property {string[]} reasons
 * @property {number} score
 * @property {string | null} words
 * @property {boolean} committed
 * @property {Cause[]} causes
 * @property {Record<string, Cell>} values
 * @property {Acknowledged | null} acknowledged
 * @property {string | null} trace
 * @property {number | null} seen_ms
 * @property {number | null} position
 */
/** @typedef {{ id: string, kind: string, author: string, at: string, text: string, anomalies: string[] }} Note */
/**
 * @typedef {object} Story
 * @property {Anomaly} anomaly
 * @property {{ column: Column, value: Cell, expected_low: number | null, expected_high: number | null }[]} event
 * @property {{ name: string, kind: string, fired: boolean, score: number | null, ratio: number | null, what: string }[]} layers
 * @property {{ columns: string[], rows: Cell[][], at: number }} history
 * @property {{ key: string, count: number, first: string, reasons: string[] }[]} also
 * @property {number} window_s
 * @property {Note[]} notes
 * @property {string} command
 * @property {string | null} trace
 */
/** @typedef {{ count: number[], first: (number|null)[], min: (number|null)[], max: (number|null)[], last: (number|null)[] }} Buckets */
/** @typedef {{ full: boolean, key: string | null, step_s: number, start_s: number, columns: Record<string, Buckets> }} Series */
/** @typedef {{ from_s: number, to_s: number, low: number, width: number, counts: number[], total: number }} Ghost */
/**
 * @typedef {object} Histogram
 * @property {string} column
 * @property {string | null} unit
 * @property {number} from_s
 * @property {number} low
 * @property {number} width
 * @property {number[]} counts
 * @property {number} missing
 * @property {number} total
 * @property {Ghost | null} ghost
 */
/** @typedef {{ column: string, low: number, high: number }} MapAxis */
/** @typedef {{ x: MapAxis, y: MapAxis, size: number, counts: number[], anomalies: number[], outside: number }} Density */
/** @typedef {{ keys: { key: string, count: number, error: number, anomalies: number, last_ms: number, series: boolean }[], others: { count: number }, limit: number }} Keys */

/** @typedef {{ position: string, partition: number, kind: string, rule: string, reason: string, bytes: number, preview: string, redriven: any }} Letter */
/** @typedef {{ kind: string, rule: string, reason: string, count: number }} LetterCount */
/** @typedef {{ letter: Letter, hex: string, text: string | null, decoded: Record<string, Cell> | null, decode_error: string | null, truncated: boolean }} OpenLetter */
/** @typedef {{ columns: Column[], rows: Cell[][], truncated: boolean, elapsed_ms: number, rows_max: number }} Answer */
/** @typedef {{ id: string, kind: string, label: string, state: Level, rate: number | null, total: number | null, metrics: { name: string, value: Cell }[], runbook: string | null }} Node */
/** @typedef {{ from: string, to: string, rate: number | null, total: number | null, state: Level, label: string }} Edge */
/** @typedef {{ nodes: Node[], edges: Edge[] }} Graph */
/** @typedef {{ key: string, first: string, last: string, count: number, reasons: string[], worst: number, acknowledged: number, notes: Note[] }} Episode */
/** @typedef {{ from: string, to: string, episodes: Episode[], dead_letters: any, lag: any, notes: Note[], open: string[] }} Handover */

export {};
