/** `deadLetter: disk`: the destination that needs no broker. It is a sink like those of connectors, of a name that only `deadLetter` knows. */
import type { AnyConnector, Connector } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { type Fields, size, whole } from './fields.ts';
import type { EndModel } from './model.ts';

export const deadDiskFields = {
  maxBytes: size('Bytes on disk, at most. When it is full, the route waits: replay or purge what is there. Absent: 1GiB.', {
    optional: true,
    example: '1GiB',
  }),
  maxMessages: whole('Dead letters in it, at most.', { optional: true, min: 1 }),
};

const connector: Connector<Fields, Fields, typeof deadDiskFields> = {
  name: 'disk',
  summary: 'Keeps the dead letters of the route in the data directory; `mqferry dlq` shows and replays them.',
  sink: {
    fields: deadDiskFields,
    create({ maxBytes, maxMessages }, context) {
      if (!context.deadLetters)
        throw new MqferryError('CONFIG_INVALID', 'dead letters on disk need a data directory, and there is none here');
      return context.deadLetters({ ...(maxBytes !== undefined && { maxBytes }), ...(maxMessages !== undefined && { maxMessages }) }).near;
    },
  },
};

export const deadDisk: AnyConnector = connector;

export function isDeadDisk({ connector }: Pick<EndModel, 'connector'>): boolean {
  return connector === deadDisk;
}
