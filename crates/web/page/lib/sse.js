// @ts-check
// Reads a text/event-stream from the chunks of a fetch: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

/** The longest block that is waited for, in characters; a longer one ends the connection. */
const BLOCK_MAX = 16 * 1024 * 1024;

/** @typedef {{ id: string, event: string, data: string }} Message */

/** Cuts a stream of text into messages, wherever its chunks end. */
export class Parser {
  constructor() {
    this.rest = '';
  }

  /**
   * The messages that are complete with this chunk.
   * @param {string} chunk @returns {Message[]}
   */
  push(chunk) {
    const blocks = (this.rest + chunk).replaceAll('\r\n', '\n').split('\n\n');
    this.rest = blocks.pop() ?? '';
    if (this.rest.length > BLOCK_MAX) throw new Error('an event of the stream is too long');
    return blocks.map(message).filter((found) => found.data !== '');
  }
}

/** @param {string} block @returns {Message} */
function message(block) {
  const found = { id: '', event: 'message', data: '' };
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const field = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'id') found.id = value;
    if (field === 'event') found.event = value;
    if (field === 'data') found.data += (found.data ? '\n' : '') + value;
  }
  return found;
}
