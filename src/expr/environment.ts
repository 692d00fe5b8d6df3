/** CEL as mqferry has it: its names, functions, operators and limits. */
import { Environment } from '@marcbachmann/cel-js';
import { collections } from './functions/collections.ts';
import { encoding } from './functions/encoding.ts';
import { numbers, registerMixedNumbers } from './functions/numbers.ts';
import { patterns } from './functions/patterns.ts';
import { presenceDocs, registerPresence } from './functions/presence.ts';
import { type Entry, register, registerNamespace } from './functions/registry.ts';
import { text } from './functions/text.ts';
import { time } from './functions/time.ts';
import { variables } from './names.ts';

const limits = { maxAstNodes: 1000, maxDepth: 60, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 };

const functions: readonly Entry[] = [...text, ...encoding, ...time, ...patterns, ...numbers, ...collections];

/** Signature and meaning of each function that is ours; the rest is CEL's. */
export const functionDocs: readonly (readonly [signature: string, doc: string])[] = [
  ...presenceDocs,
  ...functions.map(([signature, doc]) => [signature, doc] as const),
];

export const environment = build();

function build(): Environment {
  const built = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, enableOptionalTypes: true, limits });
  for (const [name, [type]] of Object.entries(variables)) built.registerVariable(name === 'type' ? 'message_type' : name, type);
  for (const namespace of ['regex', 'math', 'base64', 'hex', 'url', 'json', 'hash', 'uuid']) registerNamespace(built, namespace);
  registerPresence(built);
  registerMixedNumbers(built);
  register(built, functions);
  return built;
}
