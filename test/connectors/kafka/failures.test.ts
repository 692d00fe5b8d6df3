import { describe, expect, test } from 'vitest';
import { failure, isFailure } from '../../../connectors/kafka/failures.ts';

describe('errors of the client libraries', () => {
  test('the name that the broker gave decides, however deep it lies', () => {
    const platformatic = new AggregateError(
      [new AggregateError([Object.assign(new Error('large'), { apiId: 'MESSAGE_TOO_LARGE' })], 'inner')],
      'outer',
    );
    const kafkajs = new Error('retries', { cause: Object.assign(new Error('large'), { type: 'MESSAGE_TOO_LARGE' }) });
    expect(failure('cannot write', platformatic).code).toBe('TOO_LARGE');
    expect(failure('cannot write', kafkajs).code).toBe('TOO_LARGE');
    expect(isFailure(platformatic, 'MESSAGE_TOO_LARGE')).toBe(true);
  });

  test('a wrong password is AUTH and says the reason, not that no broker answers', () => {
    const login = Object.assign(new Error('SASL authentication failed.'), {
      code: 'PLT_KFK_AUTHENTICATION',
      cause: new Error('bad credentials'),
    });
    const error = failure('cannot connect', new AggregateError([login], 'Cannot connect to any broker.'));
    expect(error.code).toBe('AUTH');
    expect(error.message).toContain('SASL authentication failed');
  });

  test('what is not known is a lost link', () => {
    expect(failure('cannot write', new Error('socket hang up')).code).toBe('NOT_CONNECTED');
    expect(failure('cannot write', 'text').code).toBe('NOT_CONNECTED');
  });
});
