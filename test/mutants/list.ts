/**
 * Small wrong versions of the product, each of which some test must notice. A mutant is one edit, and the suites that are run on it, the one that
 * is likely to notice first before the others.
 */
export interface Mutant {
  /** What the edit makes of the product. */
  readonly does: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly from: string;
  readonly to: string;
  readonly suites: readonly string[];
}

const engine = ['test/engine/route-run.test.ts', 'test/engine/simulation.test.ts'];
const buffer = ['test/buffer/buffer.test.ts', 'test/buffer/crash.test.ts'];
const stage = ['test/buffer/stage/stage.test.ts', 'test/buffer/stage/crash.test.ts'];

export const mutants: readonly Mutant[] = [
  // The engine
  {
    does: 'a batch is settled while one of its parts is still on its way',
    file: 'src/engine/ticket.ts',
    from: 'if (--this.#pending === 0)',
    to: 'if (--this.#pending === 1 || this.#pending === 0)',
    suites: engine,
  },
  {
    does: 'one part of each batch is not counted',
    file: 'src/engine/ticket.ts',
    from: 'this.#pending += parts;',
    to: 'this.#pending += this.#pending === 1 ? 0 : parts;',
    suites: engine,
  },
  {
    does: 'a source that settles in order is told of a later batch before an earlier one',
    file: 'src/engine/pump.ts',
    from: 'if (!first.isDone) break;',
    to: 'if (!first.isDone) continue;',
    suites: engine,
  },
  {
    does: 'what has ended is never settled at its source',
    file: 'src/engine/pump.ts',
    from: '    ticket.batch.ack();\n',
    to: '',
    suites: engine,
  },
  {
    does: 'the window is not given back',
    file: 'src/engine/window.ts',
    from: 'this.messages -= messages;',
    to: '',
    suites: engine,
  },
  {
    does: 'two messages change places on their way to the sink',
    file: 'src/engine/send-queue.ts',
    from: "      item.state = 'sent';\n      picked.push(item);\n    }\n    this.#from = index;",
    to: "      item.state = 'sent';\n      if (picked.length === 1) picked.unshift(item);\n      else picked.push(item);\n    }\n    this.#from = index;",
    suites: engine,
  },
  {
    does: 'after a lost link, what was sent is not sent again',
    file: 'src/engine/send-queue.ts',
    from: 'rewind(): Item[] {\n    this.#from = this.#head;',
    to: 'rewind(): Item[] {',
    suites: engine,
  },
  {
    does: 'confirms of a link that is over are believed',
    file: 'src/engine/outbox.ts',
    from: 'if (session.isOver) return;',
    to: '',
    suites: engine,
  },
  {
    does: 'a refused message counts as confirmed',
    file: 'src/engine/outbox.ts',
    from: 'else this.#refuse(item, refusal);',
    to: 'else this.#confirmed(item, row);',
    suites: engine,
  },
  {
    does: 'a lost link counts as a confirmation',
    file: 'src/engine/outbox.ts',
    from: 'session.lost ??= error',
    to: 'if (!session.isOver) this.#settle(picked, [], row);\n        session.lost ??= error',
    suites: engine,
  },
  {
    does: 'a dead letter is counted as delivered',
    file: 'src/engine/ticket.ts',
    from: 'const delivered = routed - badRouted;',
    to: 'const delivered = routed;',
    suites: engine,
  },
  {
    does: 'the reason of a dead letter is not written',
    file: 'src/engine/dead-letter.ts',
    from: 'headers: [...kept, ...reason]',
    to: 'headers: kept',
    suites: engine,
  },
  {
    does: 'an expression that fails filters its message, as if it were false',
    file: 'src/steps/step.ts',
    from: 'if (changed !== null) rest.push(changed);\n      } catch (error) {\n        aside.fail(message.received, asStepFailed(name, error));',
    to: 'if (changed !== null) rest.push(changed);\n      } catch (error) {',
    suites: ['test/steps/hostile.test.ts', 'test/route/remedies.test.ts'],
  },
  // What a message is on its way
  {
    does: 'hops are not counted',
    file: 'src/envelope.ts',
    from: 'hopsOf(message.headers) + (this.#maxHops === undefined ? 0 : 1)',
    to: 'hopsOf(message.headers)',
    suites: ['test/envelope.test.ts'],
  },
  {
    does: 'orders from an untrusted source are believed',
    file: 'src/envelope/open.ts',
    from: 'if (!trusted) return disarmed;',
    to: '',
    suites: ['test/envelope.test.ts'],
  },
  {
    does: 'reserved names of the target go out as they are',
    file: 'src/envelope.ts',
    from: 'if (this.#wireName(name) !== name) return',
    to: 'if (false) return',
    suites: ['test/envelope.test.ts'],
  },
  {
    does: 'all parts of a message have one mqf-id',
    file: 'src/envelope/copy-id.ts',
    from: "part === '' ? id : id + part",
    to: "part === '' ? id : id",
    suites: ['test/envelope.test.ts'],
  },
  // The buffer
  {
    does: 'a write is confirmed before its sync',
    file: 'src/buffer/appender.ts',
    from: "if (this.#options.sync === 'always') await this.#segments.sync();",
    to: '',
    suites: buffer,
  },
  {
    does: 'the name of a new segment is not synced',
    file: 'src/buffer/segment.ts',
    from: 'await files.syncDirectory(directory);',
    to: '',
    suites: ['test/buffer/crash.test.ts'],
  },
  {
    does: 'a full segment is closed before it is synced',
    file: 'src/buffer/segments.ts',
    from: '  async #seal(): Promise<void> {\n    await this.sync();',
    to: '  async #seal(): Promise<void> {',
    suites: buffer,
  },
  {
    does: 'the cursor is saved one too far',
    file: 'src/buffer/saver.ts',
    from: 'this.#cursor.save(this.consumed, ',
    to: 'this.#cursor.save(Math.min(this.consumed + 1, this.#owner.synced), ',
    suites: buffer,
  },
  {
    does: 'a segment is removed when its first message is consumed',
    file: 'src/buffer/segments.ts',
    from: 'segment.next > consumed ||',
    to: 'segment.base > consumed ||',
    suites: buffer,
  },
  {
    does: 'segments are removed before the cursor is on disk',
    file: 'src/buffer/saver.ts',
    from: 'this.#segments.removeBelow(this.#cursor.saved.consumed,',
    to: 'this.#segments.removeBelow(this.consumed,',
    suites: buffer,
  },
  {
    does: 'the cursor overwrites its last good state',
    file: 'src/buffer/cursor.ts',
    from: '(slot.generation % 2) * slotBytes',
    to: '0',
    suites: ['test/buffer/crash.test.ts', 'test/buffer/buffer.test.ts'],
  },
  {
    does: 'a frame is not compared with its CRC',
    file: 'src/buffer/frame.ts',
    from: 'frame.length === header.bytes && frameCrc(frame, salt) === header.crc',
    to: 'frame.length === header.bytes',
    suites: ['test/buffer/crash.test.ts', 'test/buffer/buffer.test.ts'],
  },
  {
    does: 'the CRC of a frame is that of any file',
    file: 'src/buffer/frame.ts',
    from: 'crc32(frame.subarray(12), salt)',
    to: 'crc32(frame.subarray(12))',
    suites: ['test/buffer/disk.test.ts', 'test/buffer/buffer.test.ts', 'test/buffer/crash.test.ts'],
  },
  {
    does: 'after a failed sync, what a start finds is not written again',
    file: 'src/buffer/recover.ts',
    from: 'if (unsure) await copyOver(file, unsure.position, position);',
    to: '',
    suites: buffer,
  },
  {
    does: 'damage in the middle passes for a torn end',
    file: 'src/buffer/recover.ts',
    from: 'if (await wasSynced(file, position + 1, size, header.salt, sequence))',
    to: 'if (false)',
    suites: buffer,
  },
  {
    does: 'an ack settles what was handed out before it, too',
    file: 'src/buffer/buffer.ts',
    from: 'while (this.#handed[done]?.isAcked) done++;',
    to: 'done = this.#handed.indexOf(handed) + 1;',
    suites: buffer,
  },
  {
    does: 'the expiry of a message is not stored',
    file: 'src/buffer/record.ts',
    from: '  if (message.expiresAt !== undefined) flags |= FLAG.expiresAt;\n',
    to: '',
    suites: ['test/buffer/record.test.ts'],
  },
  {
    does: 'a header is lost in the buffer',
    file: 'src/buffer/record.ts',
    from: 'for (let i = 0; i < count; i++) headers.push([from.name(), readValue(from, 0)]);\n  return headers;',
    to: 'for (let i = 0; i < count; i++) headers.push([from.name(), readValue(from, 0)]);\n  return headers.slice(0, 3);',
    suites: ['test/buffer/record.test.ts'],
  },
  // Stages, and what surrounds a sink
  {
    does: 'a stage forgets what stands behind what is done',
    file: 'src/buffer/stage/ledger.ts',
    from: 'while (this.#frames[gone]?.live === 0) gone++;',
    to: 'while (gone < this.#frames.length - 1 && (this.#frames[gone] as Frame).live < 2) gone++;',
    suites: stage,
  },
  {
    does: 'a straggler that is done is copied, and lives again',
    file: 'src/buffer/stage/stage-log.ts',
    from: '.filter(([sequence]) => this.#isToCopy(sequence))',
    to: '',
    suites: stage,
  },
  {
    does: 'the first place of a straggler is given up before its copy is on disk',
    file: 'src/buffer/stage/stage-log.ts',
    from: '    const refused = await this.#log.append(entries, this);\n    this.#log.consume(this.#places.ledger.first() ?? this.#log.readable, undefined);\n    await this.#log.save();',
    to: '    this.#log.consume(this.#log.readable, undefined);\n    await this.#log.save();\n    const refused = await this.#log.append(entries, this);',
    suites: stage,
  },
  {
    does: 'dedupe knows a message before the sink has confirmed it',
    file: 'src/steps/dedupe.ts',
    from: '      const refusals = await this.#link.write(fresh);',
    to: '      await this.#keys.add(keys.filter((key) => key !== undefined) as Key[]);\n      const refusals = await this.#link.write(fresh);',
    suites: ['test/steps/dedupe.test.ts', 'test/engine/simulation.test.ts'],
  },
  {
    does: 'dedupe settles a copy before the first one',
    file: 'src/steps/dedupe.ts',
    from: '(await first.written).find(',
    to: '([] as Refusal[]).find(',
    suites: ['test/steps/dedupe.test.ts'],
  },
  // Connectors
  {
    does: 'rabbitmq: a confirm for many confirms one too many',
    file: 'connectors/rabbitmq/confirms.ts',
    from: 'i <= index && i < this.#entries.length',
    to: 'i <= index + 1 && i < this.#entries.length',
    suites: ['test/connectors/rabbitmq/confirms.test.ts'],
  },
  {
    does: 'rabbitmq: a nack counts as an ack',
    file: 'connectors/rabbitmq/confirms.ts',
    from: 'if (nacked && !entry.returned)',
    to: 'if (false)',
    suites: ['test/connectors/rabbitmq/confirms.test.ts'],
  },
  {
    does: 'mqtt: all that has come is acked with the first of it',
    file: 'connectors/mqtt/acks.ts',
    from: '      left--;\n',
    to: '',
    suites: ['test/connectors/mqtt/ends.test.ts'],
  },
  {
    does: 'stomp: a write ends with its first receipt',
    file: 'connectors/stomp/sink.ts',
    from: 'if (--write.waiting === 0) write.resolve(write.refusals);',
    to: 'write.waiting--;\n    write.resolve(write.refusals);',
    suites: ['test/connectors/stomp/link.test.ts'],
  },
  {
    does: 'kafka: a position is committed one too far',
    file: 'connectors/kafka/source.ts',
    from: 'as Message) + 1, count:',
    to: 'as Message) + 2, count:',
    suites: ['test/connectors/kafka/source.test.ts'],
  },
  {
    does: 'kafka: the position of a partition that went to another member is committed',
    file: 'connectors/kafka/commits.ts',
    from: 'if (claim.live && acked > committed)',
    to: 'if (acked > committed)',
    suites: ['test/connectors/kafka/source.test.ts'],
  },
  {
    does: 'kafka: what was fetched is committed while it is open',
    file: 'connectors/kafka/commits.ts',
    from: 'if (progress.outstanding > 0) return;',
    to: '',
    suites: ['test/connectors/kafka/source.test.ts'],
  },
  {
    does: 'kafka: a damaged batch is read',
    file: 'connectors/kafka/records.ts',
    from: 'if (crc32c(batch.subarray(attributesAt)) !== batch.readUInt32BE(crcAt))',
    to: 'if (false)',
    suites: ['test/connectors/kafka/records.test.ts'],
  },
  {
    does: 'http: a program is told 200 before its messages are settled',
    file: 'connectors/http/source.ts',
    from: '      this.#inbox.push({ message, post, index });',
    to: '      this.#inbox.push({ message, post, index });\n      post.settled(index);',
    suites: ['test/connectors/http/http.test.ts'],
  },
  // Who may ask
  {
    does: 'the admin server answers to any name that leads to it',
    file: 'src/admin/guard.ts',
    from: 'if (isLoopback(access.host) && !isLoopback(name))',
    to: 'if (false)',
    suites: ['test/admin/server.test.ts'],
  },
  {
    does: 'any token is as good as the right one',
    file: 'src/access.ts',
    from: 'given.length === wanted.length && timingSafeEqual(given, wanted)',
    to: 'given.length === wanted.length',
    suites: ['test/admin/server.test.ts', 'test/connectors/http/http.test.ts'],
  },
];

/** Throws when the edit does not fit the source any more. */
export function mutated({ does, file, from, to }: Mutant, source: string): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(`the mutant "${does}" does not fit ${file} any more: its line stands there ${parts.length - 1} times`);
  return parts.join(to);
}

/** docs/mutants.md. */
export function mutantsPage(): string {
  const rows = mutants.map(({ does, file, suites }) => `| ${does} | \`${file}\` | ${suites.map((suite) => `\`${suite}\``).join(', ')} |`);
  return `# Mutants

Small wrong versions of mqferry. \`npm run mutants\` makes each of them, runs the suites of its row on it, and fails when none notices; simulations try 300 seeds
first, then 5,000. A test that never fails proves nothing: this is the list of what ours have been seen to notice. The simulations have such controls of their own
besides, which run with every test run ([ADR 7](adr/0007-controls-are-mutants.md)).

| what is wrong with it | file | suites |
| --- | --- | --- |
${rows.join('\n')}
`;
}
