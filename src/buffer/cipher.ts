/**
 * What is on disk can be encrypted: the records of a frame, by AES-256-GCM, in segments of format 2.
 *
 *   frame   its header | u32 key id | 12 nonce | the records, encrypted | 16 tag
 *
 * The header stays readable, and the CRC covers what is on disk: so a start finds the end of a log, and `verify` every damage, without a key. The
 * header and the salt of the segment are authenticated with the records; a frame is accepted nowhere else. Nonces are random: a frame that a full
 * disk took in part is written again under the same number with other records.
 */
import { createCipheriv, createDecipheriv, createHash, randomFillSync } from 'node:crypto';
import { MqferryError } from '../errors.ts';
import { type FrameHeader, frameHeaderBytes, writeSafe } from './frame.ts';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const idBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const recordsAt = frameHeaderBytes + idBytes + nonceBytes;

/** What a frame is longer when it is encrypted. */
export const cipherBytes = idBytes + nonceBytes + tagBytes;

type Sealed = Omit<FrameHeader, 'bytes' | 'crc'>;

/** The keys of a data directory. The first one encrypts, all of them decrypt. */
export class Cipher {
  readonly #keys: ReadonlyMap<number, Buffer>;
  readonly #id: number;
  readonly #key: Buffer;

  private constructor(keys: readonly Buffer[]) {
    this.#key = keys[0] as Buffer;
    this.#id = idOf(this.#key);
    this.#keys = new Map(keys.map((key) => [idOf(key), key]));
  }

  /** Keys of 32 bytes in Base64 or hex, apart by blanks, commas or lines; what follows a `#` is not read. Throws CONFIG_INVALID, without a key in it. */
  static of(text: string): Cipher {
    const words = text.replaceAll(/#.*$/gm, '').split(/[\s,]+/);
    const keys = words.filter((word) => word !== '').map(keyOf);
    if (keys.length === 0) throw new MqferryError('CONFIG_INVALID', `there is no key to encrypt the data directory with: ${remedy}`);
    return new Cipher(keys);
  }

  /** The frame with its records encrypted. Its header is filled in later, with these values. */
  encrypt(frame: Buffer, salt: number, header: Sealed): Buffer {
    const sealed = Buffer.allocUnsafe(frame.length + cipherBytes);
    sealed.writeUInt32LE(this.#id, frameHeaderBytes);
    const nonce = randomFillSync(sealed.subarray(frameHeaderBytes + idBytes, recordsAt));
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(authenticated(salt, header));
    cipher.update(frame.subarray(frameHeaderBytes)).copy(sealed, recordsAt);
    cipher.final();
    cipher.getAuthTag().copy(sealed, sealed.length - tagBytes);
    return sealed;
  }

  /** The records of a whole frame. Throws BUFFER_FAILED when its key is not there, or it was not written by who has the key. */
  decrypt(frame: Buffer, salt: number, header: Sealed, path: string): Buffer {
    if (frame.length < recordsAt + tagBytes) throw new MqferryError('BUFFER_FAILED', `${path}: a frame is too short to be encrypted`);
    const id = frame.readUInt32LE(frameHeaderBytes);
    const key = this.#keys.get(id);
    if (!key) throw missing(path, `the key ${nameOf(id)}, which is none of those given`);
    const end = frame.length - tagBytes;
    const decipher = createDecipheriv(algorithm, key, frame.subarray(frameHeaderBytes + idBytes, recordsAt));
    decipher.setAAD(authenticated(salt, header)).setAuthTag(frame.subarray(end));
    try {
      return Buffer.concat([decipher.update(frame.subarray(recordsAt, end)), decipher.final()]);
    } catch (cause) {
      throw new MqferryError('BUFFER_FAILED', `${path}: message ${header.base} was not written with the key ${nameOf(id)}: it was forged`, {
        cause,
      });
    }
  }
}

const remedy = 'give 32 random bytes as Base64 in MQFERRY_DATA_KEY, or a file of them in MQFERRY_DATA_KEY_FILE (`openssl rand -base64 32`)';

/** What is said of a file that cannot be read for want of its key. */
export function missing(path: string, what: string): MqferryError {
  return new MqferryError('BUFFER_FAILED', `${path} is encrypted with ${what}: give it by MQFERRY_DATA_KEY or MQFERRY_DATA_KEY_FILE`);
}

function keyOf(word: string, index: number): Buffer {
  const key = Buffer.from(word, /^[0-9a-f]{64}$/i.test(word) ? 'hex' : 'base64');
  if (key.length === keyBytes && /^[\w+/-]+=*$/.test(word)) return key;
  throw new MqferryError('CONFIG_INVALID', `key ${index + 1} for the data directory has ${key.length} bytes: ${remedy}`);
}

/** Names a key without telling it. */
function idOf(key: Buffer): number {
  return createHash('sha256').update('mqferry key id').update(key).digest().readUInt32LE(0);
}

function nameOf(id: number): string {
  return id.toString(16).padStart(8, '0');
}

function authenticated(salt: number, { base, count, timeMs, synced }: Sealed): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(salt, 0);
  bytes.writeUInt32LE(count, 4);
  writeSafe(bytes, base, 8);
  writeSafe(bytes, timeMs, 16);
  writeSafe(bytes, synced, 24);
  return bytes;
}
