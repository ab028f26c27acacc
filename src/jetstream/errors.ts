// What the API answers when it refuses: a code as of HTTP, NATS' own number, and the sentence. A refusal that is not in
// the table has no cause here.
// Source: nats-server 2.15.3, server/errors.json.

/** A refusal of the API. Never crosses the public doors but as the client's error. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly errCode: number;
  readonly description: string;

  constructor(code: number, errCode: number, description: string) {
    super(description);
    this.code = code;
    this.errCode = errCode;
    this.description = description;
  }
}

/** `{}` is where the value goes. */
const REFUSALS = {
  accountFull: [400, 10002, 'resource limits exceeded for account'],
  badRequest: [400, 10003, 'bad request'],
  clusterRequired: [503, 10010, 'JetStream clustering support required'],
  consumerCreate: [500, 10012, '{}'],
  consumerNameInUse: [400, 10013, 'consumer name already in use'],
  consumerNotFound: [404, 10014, 'consumer not found'],
  durableNameNotMatching: [
    400,
    10017,
    'consumer name in subject does not match durable name in request',
  ],
  durableNameNotSet: [400, 10018, 'consumer expected to be durable but a durable name was not set'],
  ephemeralWithDurableName: [
    400,
    10020,
    'consumer expected to be ephemeral but a durable name was set in request',
  ],
  insufficientResources: [503, 10023, 'insufficient resources'],
  invalidJson: [400, 10025, 'invalid JSON: {}'],
  maximumConsumers: [400, 10026, 'maximum consumers limit reached'],
  maximumStreams: [400, 10027, 'maximum number of streams reached'],
  memoryExceeded: [500, 10028, 'insufficient memory resources available'],
  noMessageFound: [404, 10037, 'no message found'],
  notEmptyRequest: [400, 10038, 'expected an empty request payload'],
  sequenceNotFound: [400, 10043, 'sequence {} not found'],
  storageExceeded: [500, 10047, 'insufficient storage resources available'],
  streamCreate: [500, 10049, '{}'],
  streamDelete: [500, 10050, '{}'],
  streamGeneral: [500, 10051, '{}'],
  streamInvalidConfig: [500, 10052, '{}'],
  messageTooLarge: [400, 10054, 'message size exceeds maximum allowed'],
  streamMismatch: [400, 10056, 'stream name in subject does not match request'],
  messageDelete: [500, 10057, '{}'],
  streamNameInUse: [400, 10058, 'stream name already in use with a different configuration'],
  streamNotFound: [404, 10059, 'stream not found'],
  streamNotMatching: [400, 10060, 'expected stream does not match'],
  subjectOverlap: [400, 10065, 'subjects overlap with an existing stream'],
  streamUpdate: [500, 10069, '{}'],
  wrongLastMsgId: [400, 10070, 'wrong last msg ID: {}'],
  wrongLastSequence: [400, 10071, 'wrong last sequence: {}'],
  replicasNotSupported: [500, 10074, 'replicas > 1 not supported in non-clustered mode'],
  storeFailed: [503, 10077, '{}'],
  deliverToWildcards: [400, 10079, 'consumer deliver subject has wildcards'],
  pushWithMaxWaiting: [400, 10080, 'consumer in push mode can not set max waiting'],
  deliverCycle: [400, 10081, 'consumer deliver subject forms a cycle'],
  ackPendingRequiresAcks: [400, 10082, 'consumer requires ack policy for max ack pending'],
  heartbeatTooSmall: [400, 10083, 'consumer idle heartbeat needs to be >= 100ms'],
  pullRequiresAck: [
    400,
    10084,
    'consumer in pull mode requires explicit ack policy on workqueue stream',
  ],
  pullWithRateLimit: [400, 10086, 'consumer in pull mode can not have rate limit set'],
  pullWithHeartbeat: [400, 10088, 'consumer idle heartbeat requires a push based consumer'],
  pullWithFlowControl: [400, 10089, 'consumer flow control requires a push based consumer'],
  invalidPolicy: [400, 10094, '{}'],
  invalidSampling: [400, 10095, 'failed to parse consumer sampling configuration: {}'],
  headerTooLarge: [400, 10097, 'header size exceeds maximum allowed of 64k'],
  workQueueRequiresExplicitAck: [400, 10098, 'workqueue stream requires explicit ack'],
  workQueueManyUnfiltered: [
    400,
    10099,
    'multiple non-filtered consumers not allowed on workqueue stream',
  ],
  workQueueNotUnique: [400, 10100, 'filtered consumer not unique on workqueue stream'],
  workQueueNotDeliverAll: [400, 10101, 'consumer must be deliver all on workqueue stream'],
  consumerNameTooLong: [400, 10102, 'consumer name is too long, maximum allowed is {}'],
  consumerDescriptionTooLong: [
    400,
    10107,
    'consumer description is too long, maximum allowed is {}',
  ],
  flowControlNeedsHeartbeat: [400, 10108, 'consumer with flow control also needs heartbeats'],
  streamSealed: [400, 10109, 'invalid operation on sealed stream'],
  streamPurge: [500, 10110, '{}'],
  rollup: [500, 10111, '{}'],
  invalidDeliverSubject: [400, 10112, 'invalid push consumer deliver subject'],
  maxBytesRequired: [400, 10113, 'account requires a stream config to have max bytes set'],
  maxExpiresTooSmall: [400, 10115, 'consumer max request expires needs to be >= 1ms'],
  maxDeliverBackoff: [400, 10116, 'max deliver is required to be > length of backoff values'],
  maxAckPendingExcess: [400, 10121, 'consumer max ack pending exceeds system limit of {}'],
  maxStreamBytesExceeded: [400, 10122, 'stream max bytes exceeds account limit max stream bytes'],
  maxRequestBatchExceeded: [400, 10125, 'consumer max request batch exceeds server limit of {}'],
  consumerReplicasExceedStream: [400, 10126, 'consumer config replica count exceeds parent stream'],
  consumerNamePathSeparators: [400, 10127, 'Consumer name can not contain path separators'],
  streamNamePathSeparators: [400, 10128, 'Stream name can not contain path separators'],
  filterNotMatching: [
    400,
    10131,
    'Consumer create request did not match filtered subject from create subject',
  ],
  durableAndNameDiffer: [
    400,
    10132,
    'Consumer Durable and Name have to be equal if both are provided',
  ],
  negativeReplicas: [400, 10133, 'replicas count cannot be negative'],
  consumerMetadataTooLong: [400, 10135, 'consumer metadata exceeds maximum size of {}'],
  consumerReplicasDiffer: [
    400,
    10134,
    "consumer config replicas must match interest retention stream's replicas",
  ],
  filterAndFilters: [
    400,
    10136,
    'consumer cannot have both FilterSubject and FilterSubjects specified',
  ],
  filtersInSubject: [
    400,
    10137,
    'consumer with multiple subject filters cannot use subject based API',
  ],
  overlappingFilters: [400, 10138, 'consumer subject filters cannot overlap'],
  emptyFilter: [400, 10139, 'consumer filter in FilterSubjects cannot be empty'],
  consumerExists: [400, 10148, 'consumer already exists'],
  consumerDoesNotExist: [400, 10149, 'consumer does not exist'],
  inactiveThresholdExcess: [400, 10153, 'consumer inactive threshold exceeds system limit of {}'],
  transformSource: [400, 10155, 'stream transform source: {}'],
  transformDestination: [400, 10156, 'stream transform: {}'],
  pedantic: [400, 10157, 'pedantic mode: {}'],
  wrongLastSequenceConstant: [400, 10164, 'wrong last sequence'],
  ttlInvalid: [400, 10165, 'invalid per-message TTL'],
  ttlDisabled: [400, 10166, 'per-message TTL is disabled'],
  countersDisabled: [400, 10168, 'message counters is disabled'],
  incrementInvalid: [400, 10171, 'message counter increment is invalid'],
  atomicPublishDisabled: [400, 10174, 'atomic publish is disabled'],
  tooManyRequests: [429, 10167, 'too many requests'],
  negativeAckWait: [400, 10183, 'consumer ack wait needs to be positive'],
  negativeBackoff: [400, 10184, 'consumer backoff needs to be positive'],
  apiLevel: [412, 10185, 'JetStream minimum api level required'],
  schedulesDisabled: [400, 10188, 'message schedules is disabled'],
  expectedSequenceMissing: [400, 10193, 'missing sequence for expected last sequence per subject'],
  batchPublishDisabled: [400, 10205, 'batch publish is disabled'],
  schedulerInvalid: [400, 10212, 'message schedules invalid scheduler'],
  sourceHeader: [400, 10227, 'message stream source header is not allowed'],
} as const;

export type Refusal = keyof typeof REFUSALS;

/** Those without a value, made once: the trace of an error costs more than most requests that are refused. */
const made = new Map<Refusal, ApiError>();

/** One row of the table, with its value. */
export function refusal(of: Refusal, value: string | number | bigint = ''): ApiError {
  const known = value === '' ? made.get(of) : undefined;
  if (known !== undefined) return known;
  const [code, errCode, text] = REFUSALS[of];
  const description = text.replace('{}', () => String(value));
  const error = new ApiError(code, errCode, description);
  if (value === '') made.set(of, error);
  return error;
}
