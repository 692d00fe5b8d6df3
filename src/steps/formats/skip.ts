import { whole } from '../../config/fields.ts';
import { undecodable } from './format.ts';

export const skip = whole(
  "Bytes before the value that are not of it, e.g. 5 (Avro) or 6 (protobuf) where Confluent's serializers put a schema id.",
  {
    default: 0,
    max: 1000,
    advanced: true,
  },
);

export function skipped(body: Buffer, bytes: number): Buffer {
  if (bytes > body.length) throw undecodable('the body ends too early');
  return body.subarray(bytes);
}
