import { parseDocument } from 'yaml';

/** YAML as plain data. Throws an Error that says where it is wrong, and quotes nothing. */
export function readYaml(text: string): unknown {
  // The library's own check of keys that stand twice takes quadratic time.
  const doc = parseDocument(text, { uniqueKeys: false, intAsBigInt: true, logLevel: 'silent' });
  const [wrong] = [...doc.errors, ...doc.warnings];
  if (wrong) {
    const line = wrong.linePos?.[0].line ?? 1;
    throw new Error(`line ${line}: ${wrong.code.toLowerCase().replaceAll('_', ' ')}`);
  }
  return doc.toJS({ maxAliasCount: 100, reviver: (_name, value: unknown) => (typeof value === 'bigint' ? safe(value) : value) });
}

function safe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
