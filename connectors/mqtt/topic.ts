/** What a topic and a filter may be. A broker answers a bad one by hanging up, so it is found out here. */

/** Why this text cannot be sent as an MQTT string; undefined when it can. Mosquitto hangs up on all of these [MQTT-1.5.4]. */
export function textProblem(text: string): string | undefined {
  // Most texts are short: counting bytes is only for those that might be too long (3 bytes at most for a UTF-16 unit).
  if (text.length > 21_845 && Buffer.byteLength(text) > 65_535) return 'is longer than 65,535 bytes';
  if (unsendable.test(text)) return 'holds a control character, half a surrogate pair or a non-character';
  return undefined;
}

const unsendable = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** Why nothing can be published to this topic; undefined when it can. */
export function topicProblem(topic: string): string | undefined {
  if (topic === '') return 'is empty';
  if (topic.includes('+') || topic.includes('#')) return 'holds a wildcard (+ or #)';
  if (/^\$(SYS|share)(\/|$)/.test(topic)) return `begins with ${topic.split('/', 1)[0]}, which is the broker's own`;
  return textProblem(topic);
}

/** As {@link topicProblem}, for a topic that was made from a message. `$` begins orders to the broker, which are not for a message to give. */
export function computedTopicProblem(topic: string): string | undefined {
  if (topic.startsWith('$')) return 'begins with $';
  return topicProblem(topic);
}

/** Why this is not a topic filter; undefined when it is one. */
export function filterProblem(filter: string): string | undefined {
  if (isShared(filter)) {
    const [, group, ...rest] = filter.split('/');
    if (!group || /[+#]/.test(group) || rest.length === 0) return 'is not $share/<group>/<filter>';
    return filterProblem(rest.join('/'));
  }
  if (filter === '') return 'is empty';
  const levels = filter.split('/');
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i < levels.length - 1)) return 'has a # that is not its whole last level';
    if (level.includes('+') && level !== '+') return 'has a + that is not a whole level';
  }
  return textProblem(filter);
}

/** Whether the broker divides the messages of this filter among a group of clients. */
export function isShared(filter: string): boolean {
  return filter.startsWith('$share/') || filter === '$share';
}
