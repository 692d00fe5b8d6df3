/**
 * `npm run brokers:install`: brings the real brokers that the tests use, and a C compiler: Debian packages (as root) and artifacts of Maven
 * Central. What is there already is left alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { installActivemq } from '../test/brokers/activemq.ts';
import { brokers } from '../test/brokers/all.ts';
import { installArtemis } from '../test/brokers/artemis.ts';
import { installKafka } from '../test/brokers/kafka.ts';

const wanted: readonly { file: string; packages: readonly string[] }[] = [
  { file: '/usr/lib/rabbitmq/bin/rabbitmq-server', packages: ['rabbitmq-server'] },
  { file: '/usr/sbin/mosquitto', packages: ['mosquitto', 'mosquitto-clients'] },
  { file: '/usr/bin/java', packages: ['openjdk-17-jre-headless'] },
  { file: '/usr/bin/mvn', packages: ['maven'] },
  { file: '/usr/bin/openssl', packages: ['openssl'] },
  // For test/faults/eio.c, the disk that fails.
  { file: '/usr/bin/cc', packages: ['gcc', 'libc6-dev'] },
];

const packages = wanted.filter(({ file }) => !existsSync(file)).flatMap((one) => one.packages);
if (packages.length > 0) installPackages(packages);
for (const install of [installKafka, installActivemq, installArtemis]) await install();
for (const [name, kind] of Object.entries(brokers)) console.log(`${name.padEnd(10)} ${(await kind.version()) ?? 'MISSING'}`);

function installPackages(names: readonly string[]): void {
  // The packages must not start services of their own: the tests start theirs on free ports.
  if (!existsSync('/usr/sbin/policy-rc.d')) writeFileSync('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], env);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], env);
}

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status } = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  if (status !== 0)
    throw new Error(`${file} ${args.join(' ')} ended with ${status}; on a system without apt install ${args.slice(4).join(', ')} by hand`);
}
