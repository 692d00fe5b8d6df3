import { readFileSync } from 'node:fs';
import { Cipher } from '../buffer/cipher.ts';
import { encryptedFiles, type FileSystem, realFiles } from '../buffer/fs.ts';
import { describeError, MqferryError } from '../errors.ts';

/** The keys of the data directory, out of the environment; undefined when it is not encrypted. Throws CONFIG_INVALID for a file that cannot be read. */
export function dataKeys(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { MQFERRY_DATA_KEY: text, MQFERRY_DATA_KEY_FILE: path } = env;
  if (text !== undefined && path !== undefined)
    throw new MqferryError('CONFIG_INVALID', 'MQFERRY_DATA_KEY and MQFERRY_DATA_KEY_FILE exclude each other: keep one of them');
  if (path === undefined) return text;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new MqferryError('CONFIG_INVALID', `cannot read MQFERRY_DATA_KEY_FILE: ${describeError(error)}`, { cause: error });
  }
}

/** The files of the data directory, for who looks into it. */
export function dataFiles(): FileSystem {
  const keys = dataKeys();
  return keys === undefined ? realFiles : encryptedFiles(Cipher.of(keys));
}
