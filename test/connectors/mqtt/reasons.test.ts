import { ErrorWithReasonCode } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { connectError, disconnectText, pubackRefusal, subackError } from '../../../connectors/mqtt/reasons.ts';

const refusal = (code: number) => connectError('mqtt://host:1', new ErrorWithReasonCode('Connection refused', code), false);

describe('a refused connection', () => {
  test.each([
    [1, 'REFUSED', /version/],
    [2, 'FORBIDDEN', /Identifier rejected/],
    [3, 'NOT_CONNECTED', /Server unavailable/],
    [4, 'AUTH', /Bad username/],
    [5, 'AUTH', /Not authorized/],
    [132, 'REFUSED', /set the other `version`/],
    [133, 'FORBIDDEN', /Client Identifier/],
    [134, 'AUTH', /Bad User Name/],
    [135, 'AUTH', /Not authorized/],
    [136, 'NOT_CONNECTED', /Server unavailable/],
    [137, 'NOT_CONNECTED', /busy/],
    [138, 'FORBIDDEN', /Banned/],
    [151, 'NOT_CONNECTED', /Quota/],
    [200, 'NOT_CONNECTED', /reason \(200\)/],
  ])('by code %i is %s', (code, kind, text) => {
    expect(refusal(code)).toMatchObject({ code: kind, message: expect.stringMatching(text) });
  });

  test('by the system is NOT_CONNECTED and keeps its cause', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    expect(connectError('mqtt://host:1', cause, false)).toMatchObject({ code: 'NOT_CONNECTED', cause });
  });

  test('is a lost link when it had been accepted before, whatever the code', () => {
    expect(connectError('mqtt://host:1', new ErrorWithReasonCode('x', 135), true).code).toBe('NOT_CONNECTED');
  });
});

describe('a refused message', () => {
  test.each([
    [128, 'REFUSED', true],
    [131, 'REFUSED', true],
    [135, 'FORBIDDEN', false],
    [144, 'UNMAPPABLE', false],
    [145, 'REFUSED', true],
    [149, 'TOO_LARGE', false],
    [151, 'REFUSED', true],
    [153, 'REFUSED', false],
  ])('by PUBACK code %i is %s, another try: %s', (code, kind, retry) => {
    expect(pubackRefusal(code)).toMatchObject({ error: { code: kind }, retry });
  });
});

test.each([
  [128, 'FORBIDDEN'],
  [135, 'FORBIDDEN'],
  [143, 'CONFIG_INVALID'],
  [151, 'FORBIDDEN'],
  [158, 'CONFIG_INVALID'],
  [162, 'CONFIG_INVALID'],
])('a subscription refused by code %i is %s', (code, kind) => {
  expect(subackError(code, 'a/#')).toMatchObject({ code: kind, message: expect.stringContaining('a/#') });
});

test('a taken over session names the client id', () => {
  expect(disconnectText(142, 'me')).toContain('another client uses the client id me');
  expect(disconnectText(139, 'me')).toBe('Server shutting down (139)');
  expect(disconnectText(undefined, 'me')).toBe('without a reason');
});
