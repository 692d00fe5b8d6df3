/** What `mqferry check` looks at, without changing anything. */
import { type EndContext, type Finding, MqferryError } from '../../src/connector.ts';
import type { SinkConfig, SourceConfig } from './config.ts';
import { clientOptions, loadDriver } from './connection.ts';
import type { Probe } from './port.ts';

export function checkSource(config: SourceConfig, context: EndContext): Promise<readonly Finding[]> {
  return withProbe(config, context, async (probe, findings) => {
    for (const topic of await sourceTopics(config, probe, findings)) await look(probe, topic, findings);
  });
}

export function checkSink(config: SinkConfig, context: EndContext): Promise<readonly Finding[]> {
  return withProbe(config, context, async (probe, findings) => {
    const { constant } = config.topic;
    if (constant === undefined) return;
    const found = await look(probe, constant, findings);
    if (found) findings.push(await durability(probe, constant, found.replicas));
  });
}

async function withProbe(
  config: SourceConfig | SinkConfig,
  context: EndContext,
  inspect: (probe: Probe, findings: Finding[]) => Promise<void>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const what = `brokers ${config.connection.brokers.join(', ')}`;
  let probe: Probe;
  try {
    const driver = await loadDriver(config.connection.driver);
    probe = await driver.openProbe(clientOptions(config.connection, context));
  } catch (error) {
    return [{ what, ok: false, text: (error as Error).message }];
  }
  try {
    findings.push({ what, ok: true, text: 'reached and logged in' });
    await inspect(probe, findings);
  } finally {
    await probe.close();
  }
  return findings;
}

async function sourceTopics(config: SourceConfig, probe: Probe, findings: Finding[]): Promise<readonly string[]> {
  if (config.pattern === undefined) return config.topics ?? [];
  const pattern = new RegExp(`^(?:${config.pattern})$`);
  const matching = (await probe.topics()).filter((topic) => pattern.test(topic));
  findings.push({ what: `pattern ${config.pattern}`, ok: matching.length > 0, text: `matches ${matching.length} topics` });
  return matching;
}

async function look(probe: Probe, topic: string, findings: Finding[]): Promise<{ replicas: number } | undefined> {
  const what = `topic ${topic}`;
  try {
    const { partitions, replicas, offline } = await probe.describe(topic);
    const text = `${partitions} partitions, ${replicas} replicas${offline > 0 ? `, ${offline} partitions without a leader` : ''}`;
    findings.push({ what, ok: offline === 0, text });
    return { replicas };
  } catch (error) {
    if (!(error instanceof MqferryError)) throw error;
    const hint = error.code === 'NOT_FOUND' ? '; create it, mqferry does not' : '';
    findings.push({ what, ok: false, text: error.message + hint });
    return undefined;
  }
}

async function durability(probe: Probe, topic: string, replicas: number): Promise<Finding> {
  const setting = await probe.setting(topic, 'min.insync.replicas');
  const what = `min.insync.replicas of ${topic}`;
  if (setting === undefined) return { what, ok: true, text: 'not visible to this user' };
  if (replicas > 1 && Number(setting) >= 2) return { what, ok: true, text: `${setting} of ${replicas} replicas confirm each record` };
  return {
    what,
    ok: true,
    text: `warning: ${setting} of ${replicas} replicas: a record can be confirmed by one broker alone and be lost with it`,
  };
}
