/**
 * STOMP 1.2 on the wire: bytes to frames and back.
 *
 *     COMMAND LF  name:value LF ...  LF  body NUL        between frames: any number of LF (heart-beats); CR LF counts as LF
 *
 * In headers `\\`, `\r`, `\n` and `\c` stand for backslash, CR, LF and colon, but not in CONNECT and CONNECTED. The first of repeated headers
 * counts. The body ends at `content-length`, or without it at the first NUL.
 */
import type { MqferryError } from '../../src/connector.ts';

export type FrameHeaders = readonly (readonly [name: string, value: string])[];

export interface Frame {
  readonly command: string;
  /** In the order of arrival, repeats included. */
  readonly headers: FrameHeaders;
  /** A slice of what came from the network, not a copy. */
  readonly body: Buffer;
  /** Why the headers cannot be trusted, although it is known where the frame ends. Such headers are as they were on the wire. */
  readonly fault: MqferryError | undefined;
}

/** The value of the first header of this name. */
export function headerOf(frame: Frame, name: string): string | undefined {
  for (const [key, value] of frame.headers) if (key === name) return value;
  return undefined;
}

/** One header line. The text must hold no NUL. */
export function headerLine(name: string, value: string): string {
  return `${escaped(name)}:${escaped(value)}\n`;
}

function escaped(text: string): string {
  if (!/[\\\r\n:]/.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll(':', '\\c');
}
