/** How a coding of bodies is done and undone. */
import { MqferryError } from '../../errors.ts';

export interface Coding {
  compress(body: Buffer): Buffer;
  /**
   * Stops at `maxBytes` of output, and not behind it: TOO_LARGE. Throws DECODE_FAILED, or what its library throws, for what is not all of such
   * a body and nothing else.
   */
  decompress(body: Buffer, maxBytes: number): Buffer;
}

/** Frames of one body, at most: each costs a call. */
export const framesMax = 1000;

export function tooLarge(maxBytes: number): MqferryError {
  return new MqferryError('TOO_LARGE', `the body would have more than ${maxBytes} bytes`);
}

export function broken(name: string): MqferryError {
  return new MqferryError('DECODE_FAILED', `the body is not ${name}, or not all of it`);
}
