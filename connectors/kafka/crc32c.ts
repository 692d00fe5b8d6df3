/** CRC-32C of bytes: by the processor where there is a build for this platform, else by WebAssembly, which takes two to four times as long. */
import { crc32c as portable } from '@platformatic/wasm-utils';

const native = await import('@node-rs/crc32').catch(() => undefined);

export const crc32c: (bytes: Buffer) => number = native?.crc32c ?? portable;
