// The shapes of the server's answers, for the type checker. `/api/v1/openapi.json` describes them in words.

declare namespace Api {
  type Cell = string | number | boolean | null | object;
  interface Column { name: string; type: string; kind: string; unit: string | null; doc: string | null }
  interface Layer { name: string; kind: 'learned' | 'rule'; asked: number | null; what: string }
  interface Stream {
    name: string;
    state: string;
    columns: Column[];
    id: string;
    key: string;
    time: string;
    numbers: string[];
    features: string[];
    map: { x: string, y: string } | null;
    layers: Layer[];
    aggregates: { name: string, columns: string[] }[];
    tables: string[];
    example: string;
    results: string;
    jaeger: string | null;
  }
  interface Session {
    role: string;
    access: string;
    may: { acknowledge: boolean, redrive: boolean, query: boolean };
    author: string;
    product: string;
    mode: string;
    epoch: string;
    now_ms: number;
  }
  type Level = 'ok' | 'watch' | 'bad' | 'off';
  interface Stage { name: string; state: Level; rate: number | null; detail: string }
  interface LayerCount { name: string; kind: string; alarms: number; scored: number; share: number; asked: number | null; over: boolean }
  interface Ledger {
    records: number;
    out: number;
    filtered: number;
    dead_lettered: number;
    late: number;
    between: number;
    balance: number;
    balances: boolean;
    unscored: number;
    committed_ms: number | null;
  }
  interface StoreAge {
    store: string;
    p50_ms: number;
    p99_ms: number;
    since_ms: number;
    level: Level;
  }
  interface Overview {
    stream: string;
    at_ms: number;
    state: string;
    level: Level;
    sentence: string;
    rate: { now: number | null, step_s: number, start_s: number, counts: (number | null)[] };
    lag: { seconds: number | null, records: number | null };
    hot_keys: { partition: number, key: string, share: number }[];
    latency: { from: string, to: string, p50_ms: number | null, p99_ms: number | null, events: number };
    stores: StoreAge[];
    alarms: { total: number, last_hour: number | null, open: number | null, share: number, layers: LayerCount[] };
    dead_letters: { total: number, open: number, rules: { rule: string, count: number }[] };
    ledger: Ledger;
    stages: Stage[];
    drawn: { offered: number, drawn: number, dropped: number, share: number };
    source: { done: number, total: number };
    failure: string | null;
  }
  interface Cause {
    layer: string;
    score: number | null;
    threshold: number | null;
    feature: string | null;
    value: number | null;
    expected_low: number | null;
    expected_high: number | null;
    deviation: number | null;
  }
  interface Acknowledged { author: string; at: string; text: string }
  interface Anomaly {
    id: string;
    key: string;
    time: string;
    reasons: string[];
    score: number | string | null;
    words: string | null;
    committed: boolean;
    causes: Cause[];
    values: Record<string, Cell>;
    acknowledged: Acknowledged | null;
    trace: string | null;
    seen_ms: number | null;
    position: number | null;
  }
  interface Note { id: string, kind: string, author: string, at: string, text: string, anomalies: string[] }
  interface Story {
    anomaly: Anomaly;
    event: { column: Column, value: Cell, expected_low: number | null, expected_high: number | null }[];
    layers: { name: string, kind: string, fired: boolean, score: number | null, ratio: number | null, what: string }[];
    history: { columns: string[], rows: Cell[][], at: number };
    also: { key: string, count: number, first: string, reasons: string[] }[];
    window_s: number;
    notes: Note[];
    command: string;
    trace: string | null;
  }
  interface Buckets { count: number[], first: (number|null)[], min: (number|null)[], max: (number|null)[], last: (number|null)[] }
  interface Series { full: boolean, key: string | null, step_s: number, start_s: number, columns: Record<string, Buckets> }
  interface Ghost { from_s: number, to_s: number, low: number, width: number, counts: number[], total: number }
  interface Histogram {
    column: string;
    unit: string | null;
    from_s: number;
    low: number;
    width: number;
    counts: number[];
    missing: number;
    total: number;
    ghost: Ghost | null;
  }
  interface MapAxis { column: string; unit: string | null; low: number; high: number }
  interface Density { x: MapAxis, y: MapAxis, size: number, counts: number[], anomalies: number[], outside: number }
  interface Keys { keys: { key: string, count: number, error: number, anomalies: number, last_ms: number, series: boolean }[], others: { count: number }, limit: number }
  interface Letter { position: string; partition: number; kind: string; rule: string; reason: string; bytes: number; preview: string; redriven: any }
  interface LetterCount { kind: string; rule: string; reason: string; count: number }
  interface OpenLetter { letter: Letter, hex: string, text: string | null, decoded: Record<string, Cell> | null, decode_error: string | null, truncated: boolean }
  interface Answer { columns: Column[], rows: Cell[][], truncated: boolean, elapsed_ms: number, rows_max: number }
  interface Node { id: string, kind: string, label: string, state: Level, rate: number | null, total: number | null, metrics: { name: string, value: Cell }[], runbook: string | null }
  interface Edge { from: string; to: string; rate: number | null; total: number | null; state: Level; label: string }
  interface Graph { nodes: Node[], edges: Edge[] }
  interface Episode { key: string, first: string, last: string, count: number, reasons: string[], worst: number, acknowledged: number, notes: Note[] }
  interface Handover { from: string, to: string, episodes: Episode[], dead_letters: any, lag: any, notes: Note[], open: string[] }
}
