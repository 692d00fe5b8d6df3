/** ActiveMQ Classic from plain jars, with persistence in KahaDB, one user and a STOMP connector. Needs a Java 17. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, type BrokerKind, isOpen, launch } from './broker.ts';
import { brokerCache, fetchByMaven, java } from './java.ts';

/** The login of every Java broker of the tests. */
export const activemqLogin = { username: 'mq', password: 'mq-pass' } as const;

const jars = join(brokerCache, 'activemq-6.3.1');

/** `ports.stomp`, `ports.openwire`. Data survives `stop('SIGKILL')` and `start()`. */
export const activemq: BrokerKind = {
  name: 'activemq',
  async version() {
    if (!existsSync(jars)) return undefined;
    const jar = readdirSync(jars).find((name) => /^activemq-broker-.*\.jar$/.test(name));
    return jar?.replace(/^activemq-broker-|\.jar$/g, '');
  },
  start: startActivemq,
};

/** Fetches the jars (17 MB) from Maven Central, once. */
export async function installActivemq(): Promise<void> {
  if (await activemq.version()) return;
  const part = `${jars}.${process.pid}`;
  const pom = join(import.meta.dirname, 'activemq', 'pom.xml');
  await fetchByMaven('copy-dependencies', ['-f', pom, '-DincludeScope=runtime', `-DoutputDirectory=${part}`]);
  rmSync(jars, { recursive: true, force: true });
  renameSync(part, jars);
}

function startActivemq(): Promise<Broker> {
  return launch({
    prefix: 'activemq',
    portNames: ['openwire', 'stomp'],
    prepare(dir, ports) {
      for (const name of ['conf', 'data', 'tmp']) mkdirSync(join(dir, name));
      writeFileSync(join(dir, 'conf', 'activemq.xml'), brokerXml(dir, ports));
      writeFileSync(join(dir, 'conf', 'log4j2.properties'), logging);
    },
    command: (dir) => ({ file: java, args: javaArgs(dir) }),
    async ready(dir, ports) {
      // After a restart the line is there already; then the open port alone tells.
      return /Apache ActiveMQ .* started/.test(readFileSync(join(dir, 'out.log'), 'utf8')) && (await isOpen(ports['stomp'] as number));
    },
  });
}

function javaArgs(dir: string): string[] {
  const home = ['home', 'base'].map((name) => `-Dactivemq.${name}=${dir}`);
  return [
    ...['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', `-Djava.io.tmpdir=${dir}/tmp`],
    ...home,
    ...[`-Dactivemq.data=${dir}/data`, `-Dactivemq.conf=${dir}/conf`],
    ...['-cp', `${dir}/conf:${jars}/*`, 'org.apache.activemq.console.command.ShellCommand'],
    ...['start', `xbean:file:${dir}/conf/activemq.xml`],
  ];
}

function brokerXml(dir: string, ports: Record<string, number>): string {
  return `<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd
  http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="mq${ports['stomp']}" dataDirectory="${dir}/data" useJmx="false"
      persistent="true" useShutdownHook="true">
    <persistenceAdapter><kahaDB directory="${dir}/data/kahadb" journalMaxFileLength="16mb"/></persistenceAdapter>
    <plugins><simpleAuthenticationPlugin anonymousAccessAllowed="false"><users>
      <authenticationUser username="${activemqLogin.username}" password="${activemqLogin.password}" groups="users,admins"/>
    </users></simpleAuthenticationPlugin></plugins>
    <systemUsage><systemUsage>
      <memoryUsage><memoryUsage limit="128 mb"/></memoryUsage>
      <storeUsage><storeUsage limit="1 gb"/></storeUsage>
      <tempUsage><tempUsage limit="256 mb"/></tempUsage>
    </systemUsage></systemUsage>
    <transportConnectors>
      <transportConnector name="openwire" uri="tcp://127.0.0.1:${ports['openwire']}"/>
      <transportConnector name="stomp" uri="stomp://127.0.0.1:${ports['stomp']}"/>
    </transportConnectors>
  </broker>
</beans>
`;
}

const logging = `rootLogger.level=INFO
rootLogger.appenderRef.c.ref=c
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %-5p %c{1} %m%n
`;
