import { artemis } from '../../brokers/artemis.ts';
import { stompSuite } from './broker-suite.ts';

await stompSuite({ kind: artemis, name: 'artemis', vhost: '/', refusedBy: 'priority:300\n', keptAround: ['good1', 'good2'] });
