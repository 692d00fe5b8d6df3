import { describe, expect, test } from 'vitest';
import { starterRoute } from '../../src/cli/init.ts';
import { compileRoutes, registryOf } from '../../src/index.ts';

const connectors = await Promise.all(Object.values(registryOf().connectors).map((load) => load()));
const sources = connectors.filter((one) => one.source).map((one) => one.name);
const sinks = connectors.filter((one) => one.sink).map((one) => one.name);
const pairs = sources.flatMap((source) => sinks.map((sink) => [source, sink] as const));

describe('init', () => {
  test.each(pairs)('%s to %s is valid as it is printed, in an empty environment', async (source, sink) => {
    const text = await starterRoute(source, sink);
    const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'init.yaml', text }] } });
    expect(problems).toEqual([]);
    expect(routes[0]?.name).toBe(`${source}-to-${sink}`);
  });

  // But `pattern`, which stands for `topics`.
  test.each(pairs)('%s to %s is valid with everything that has a value uncommented', async (source, sink) => {
    const text = (await starterRoute(source, sink))
      .replaceAll(/^( *)#(?! )(?!pattern)(steps:|.*[^:\n])$/gm, '$1$2')
      .replaceAll(/^( *)#( {2}.*)$/gm, '$1$2');
    const { problems } = await compileRoutes({ routes: { texts: [{ name: 'init.yaml', text }] } });
    expect(problems).toEqual([]);
  });

  test('asks for at-least-once where the pair can keep it, and only there', async () => {
    expect(await starterRoute('rabbitmq', 'kafka')).toContain('guarantee: at-least-once');
    expect(await starterRoute('generate', 'kafka')).not.toContain('guarantee:');
  });

  test('a connector that cannot be the source is named', async () => {
    await expect(starterRoute('print', 'kafka')).rejects.toThrow('print cannot be a source');
    await expect(starterRoute('rabbit', 'kafka')).rejects.toThrow('there is no connector rabbit; there are rabbitmq, kafka');
  });
});
