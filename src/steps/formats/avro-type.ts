/** What avsc makes of a schema, as far as it is used here, and what stands in JSON for each type. */
export interface AvroType {
  readonly typeName: string;
  /** The name of it as a branch of a union. */
  readonly branchName?: string;
  readonly fields: readonly { readonly name: string; readonly type: AvroType; defaultValue(): unknown }[];
  readonly itemsType: AvroType;
  readonly valuesType: AvroType;
  readonly symbols: readonly string[];
  readonly size: number;
  readonly types: readonly AvroType[];
  toBuffer(value: unknown): Buffer;
}

export const depthMax = 200;
/** Values in one body; a value may take no byte at all. */
export const valuesMax = 1_000_000;

const kinds: Readonly<Record<string, string>> = {
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'text',
  fixed: 'text',
  string: 'text',
  enum: 'text',
  map: 'map',
  record: 'map',
};

/** What JSON has for it: values of one kind cannot be told apart. */
export function kindOf({ typeName }: AvroType): string {
  return kinds[typeName] ?? typeName;
}

/** The branches can be told apart by what stands in JSON; else each but null is written `{ "<name>": … }`. */
export function isPlain({ types }: AvroType): boolean {
  return new Set(types.map(kindOf)).size === types.length;
}
