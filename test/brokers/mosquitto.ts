/** Mosquitto with persistence, one user, and listeners for TCP, TLS (own CA) and WebSockets. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, type BrokerKind, isOpen, launch, output } from './broker.ts';
import { makeCertificates, pem } from './certificates.ts';

export const mosquittoLogin = { username: 'mq', password: 'mq-pass' } as const;

/**
 * `ports.tcp`, `ports.tls` (its CA is `tls/ca.pem` in `dir`), `ports.ws`. Sessions and messages survive `stop()` and `start()`;
 * SIGKILL costs what came since the last autosave, so nothing is promised of it here.
 */
export const mosquitto: BrokerKind = { name: 'mosquitto', version, start: () => startMosquitto() };

/** A mosquitto with more lines in its configuration, e.g. `max_packet_size 4096`; they replace the default of the same name. */
export function startMosquitto(lines: readonly string[] = []): Promise<Broker> {
  return launch({
    prefix: 'mosquitto',
    portNames: ['tcp', 'tls', 'ws'],
    prepare(dir, ports) {
      mkdirSync(join(dir, 'data'));
      makeCertificates(join(dir, 'tls'), { server: { name: 'localhost', altNames: 'DNS:localhost,IP:127.0.0.1' } });
      writeFileSync(join(dir, 'passwd'), '');
      chmodSync(join(dir, 'passwd'), 0o600);
      execFileSync('mosquitto_passwd', ['-b', join(dir, 'passwd'), mosquittoLogin.username, mosquittoLogin.password]);
      writeFileSync(join(dir, 'mosquitto.conf'), configuration(dir, ports, lines));
    },
    command: (dir) => ({ file: 'mosquitto', args: ['-c', join(dir, 'mosquitto.conf')] }),
    ready: (_, ports) => isOpen(ports['tcp'] as number),
    readyTimeoutMs: 10_000,
  });
}

/** The CA that signed the TLS listener's certificate. */
export function mosquittoCa(broker: Broker): string {
  return pem(join(broker.dir, 'tls'), 'ca');
}

async function version(): Promise<string | undefined> {
  return /mosquitto version ([\d.]+)/.exec((await output('mosquitto', ['-h'])) ?? '')?.[1];
}

function configuration(dir: string, ports: Record<string, number>, lines: readonly string[]): string {
  const defaults = [
    // As root it would drop its rights and then not read its own password file.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'per_listener_settings false',
    'allow_anonymous false',
    `password_file ${dir}/passwd`,
    'persistence true',
    `persistence_location ${dir}/data/`,
    'autosave_interval 5',
    // Unlimited: beyond its default of 1,000 it drops messages that it has confirmed.
    'max_queued_messages 0',
    'max_inflight_messages 1000',
    'set_tcp_nodelay true',
    'log_dest stdout',
    ...['error', 'warning', 'notice'].map((type) => `log_type ${type}`),
  ];
  const listeners = [
    `listener ${ports['tcp']} 127.0.0.1`,
    `listener ${ports['tls']} 127.0.0.1`,
    ...[`cafile ${dir}/tls/ca.pem`, `certfile ${dir}/tls/server.pem`, `keyfile ${dir}/tls/server.key.pem`],
    `listener ${ports['ws']} 127.0.0.1`,
    'protocol websockets',
  ];
  const replaced = new Set(lines.map(firstWord));
  return [...defaults.filter((line) => !replaced.has(firstWord(line))), ...lines, ...listeners, ''].join('\n');
}

function firstWord(line: string): string {
  return line.split(' ', 1)[0] as string;
}
