import { statSync } from 'node:fs';
import { file } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { load } from './lazily.ts';
import { changesOf, type ScriptChanges, type ScriptMessage, viewOf } from './script-message.ts';
import { defineStep, eachMessage } from './step.ts';

type Script = (message: ScriptMessage) => ScriptChanges | null | undefined;

export const js = defineStep({
  name: 'js',
  summary: 'Calls a function of a JavaScript or TypeScript file for each message. Off unless mqferry is started with `--allow-scripts`.',
  notes: `The function gets the message (\`body\`, \`json()\`, \`key\`, \`headers\`, \`header(name)\`, \`origin\` and the properties, all of it a copy) and gives back what
changes: any of \`body\`, \`key\`, \`headers\` and the properties, null to remove one. A body that is a map or list becomes JSON. \`undefined\` lets the
message pass as it is, \`null\` filters it. What it throws goes the way of \`onError\` (\`STEP_FAILED\`). The types are \`ScriptMessage\` and
\`ScriptChanges\` of \`mqferry\`.

It is called synchronously, so it cannot wait for anything, and while it runs nothing else happens: an endless loop stops the process. It
has all rights of the process; \`--allow-scripts\` (also of \`validate\`, \`check\` and \`explain\`) says that whoever writes the config may run code.
A file is loaded once; changing it takes a restart.`,
  value: file('The file, and after `#` the name of the function; without one the default export.', { example: './shop.ts#price' }),
  example: {
    steps: '- js: ./shop.ts#price',
    files: {
      'shop.ts': `import type { ScriptChanges, ScriptMessage } from 'mqferry';

export function price(message: ScriptMessage): ScriptChanges {
  const { net, rate } = message.json() as { net: number; rate: number };
  if (net < 0) throw new Error('a price below zero');
  return { body: { gross: net * (1 + rate) }, type: 'priced' };
}
`,
    },
    before: 'body: {"net":10,"rate":0.5}',
    after: 'contentType: application/json\ntype: priced\nbody: {"gross":15}',
  },
  explain: (path) => `calls ${path}`,
  compile(path, { allowScripts }) {
    if (!allowScripts)
      throw new MqferryError('CONFIG_INVALID', 'scripts are off: start with --allow-scripts, if whoever writes the config may run code');
    const script = scriptAt(path);
    return eachMessage('js', (message) => {
      const given = call(script, message);
      if (given === undefined) return message;
      return given === null ? null : message.change(changesOf(given));
    });
  },
});

function scriptAt(path: string): Script {
  const at = path.lastIndexOf('#');
  const [file, name] = at < 0 ? [path, 'default'] : [path.slice(0, at), path.slice(at + 1)];
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new MqferryError('CONFIG_INVALID', `there is no file ${file}`);
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = load(file) as typeof loaded;
  } catch (error) {
    throw new MqferryError('CONFIG_INVALID', `cannot load ${file}: ${sentence(error)}`, { cause: error });
  }
  const script = Object.hasOwn(loaded, name) ? loaded[name] : undefined;
  if (typeof script !== 'function') throw new MqferryError('CONFIG_INVALID', `${file} exports no function ${name}`);
  if (script.constructor.name === 'AsyncFunction')
    throw new MqferryError('CONFIG_INVALID', `${name} of ${file} is async: a script cannot wait`);
  return script as Script;
}

function call(script: Script, message: Message): object | null | undefined {
  let given: unknown;
  try {
    given = script(viewOf(message));
  } catch (error) {
    throw new MqferryError('STEP_FAILED', sentence(error), { cause: error });
  }
  if (given instanceof Promise) {
    given.catch(() => {}); // Nobody waits for it; an unhandled rejection would be laid at the door of the process.
    throw new MqferryError('STEP_FAILED', 'the script gave a promise: it cannot wait');
  }
  if (given === null || given === undefined) return given;
  if (typeof given !== 'object' || Array.isArray(given))
    throw new MqferryError('STEP_FAILED', 'the script must give changes, null or nothing');
  return given;
}

/** A script may throw anything. */
function sentence(error: unknown): string {
  const text: unknown = error instanceof Error ? error.message : undefined;
  return typeof text === 'string' ? text : 'the script has thrown something that is no Error';
}
