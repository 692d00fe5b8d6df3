import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { jsonLine, textLine } from '../../../connectors/print/lines.ts';
import { printSink } from '../../../connectors/print/sink.ts';
import { Message, Typed } from '../../../src/connector.ts';

/** An output that takes what it is given when told to. */
function slowOutput() {
  const taken: string[] = [];
  let release: (() => void) | undefined;
  const output = new Writable({
    write(chunk, _encoding, done) {
      release = () => {
        taken.push(String(chunk));
        done();
      };
    },
  });
  return { output, taken, take: () => release?.(), fail: () => output.destroy(Object.assign(new Error('broken pipe'), { code: 'EPIPE' })) };
}

const hello = [new Message({ body: Buffer.from('hello') }), new Message({ body: Buffer.from('you') })];

describe('the sink', () => {
  test('writes a batch at once, and confirms when the output has taken it', async () => {
    const { output, taken, take } = slowOutput();
    const sink = printSink(output, 'text');
    let isConfirmed = false;
    const writing = sink.write(hello).then(() => (isConfirmed = true));
    await new Promise(setImmediate);
    expect([isConfirmed, taken]).toEqual([false, []]);
    take();
    await writing;
    expect(taken).toEqual(['hello\nyou\n']);
  });

  test('throws SINK_GONE when the reader of the pipe has ended, which no new link can mend, and the process lives', async () => {
    const { output, fail } = slowOutput();
    const sink = printSink(output, 'text');
    const writing = sink.write(hello);
    fail();
    await expect(writing).rejects.toMatchObject({ code: 'SINK_GONE', message: expect.stringContaining('standard output') });
    await expect(printSink(output, 'text').write(hello)).rejects.toMatchObject({ code: 'SINK_GONE' });
  });

  test('ends a write that nobody takes when it is closed', async () => {
    const { output } = slowOutput();
    const sink = printSink(output, 'text');
    const thrown = expect(sink.write(hello)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await sink.close();
    await thrown;
    await sink.close();
  });
});

describe('the lines', () => {
  test('text is the body bit by bit', () => {
    const body = Buffer.from([0x1b, 0xff, 0x41]);
    expect(textLine(false)(new Message({ body }))).toEqual(Buffer.concat([body, Buffer.from('\n')]));
    expect(textLine(false)(new Message({ body: null }))).toEqual(Buffer.from('\n'));
  });

  test('a message cannot steer a terminal', () => {
    const body = Buffer.from('\x1b[2Jclear\x9b1m\r\tü\nnext');
    expect(String(textLine(true)(new Message({ body })))).toBe('\\x1b[2Jclear\\x9b1m\\x0d\tü\nnext\n');
  });

  test('json shows all there is, one line', () => {
    const message = new Message({
      body: Buffer.from('{"a":\n1}'),
      key: Buffer.from([0xff]),
      id: 'i',
      timestamp: 5,
      correlationId: Buffer.from('c'),
      headers: [
        ['big', 2n ** 62n],
        ['list', [new Date(0), null]],
        ['map', new Map([['x', Buffer.from([0xfe])]])],
        ['t', new Typed('int16', 3)],
      ],
    });
    const line = String(jsonLine(message));
    expect(line.split('\n')).toHaveLength(2);
    expect(JSON.parse(line)).toEqual({
      keyBase64: '/w==',
      id: 'i',
      correlationId: 'c',
      timestamp: 5,
      headers: [
        ['big', '4611686018427387904'],
        ['list', ['1970-01-01T00:00:00.000Z', null]],
        ['map', { x: { base64: '/g==' } }],
        ['t', 3],
      ],
      body: '{"a":\n1}',
    });
    expect(JSON.parse(String(jsonLine(new Message({ body: null }))))).toEqual({ body: null });
  });
});
