import { compileTemplates } from './message-template.ts';

/**
 * What Postgres 12 to 18 says itself (src/backend, English), so far as an audit has use for it. A text
 * that is none of these may be anybody's (RAISE), and is redacted whole. Places: see `compileTemplates`.
 */
const objects =
  '(?:table|relation|schema|sequence|function|procedure|routine|database|view|materialized view|column|type|domain|language|index|tablespace|foreign server|foreign-data wrapper|foreign table|large object|extension|publication|subscription|event trigger|operator|collation|conversion|statistics object|aggregate)';
/** As `log_hostname` has it: an address or a name. */
const host = '(?:\\[local\\]|[0-9a-fA-F.:]{1,45}|[A-Za-z0-9.-]{1,255})';
const encryption = '(?:, (?:SSL|GSS) (?:on|off)|, no encryption|, (?:SSL|GSS) encryption)?';

const denied = [
  `permission denied for ${objects} {bare}`,
  `must be owner of ${objects} {bare}`,
  'permission denied to (?:create (?:role|database|extension "{name}")|alter role|drop role|set parameter "{name}"|set role "{name}"|examine "{name}")',
  'permission denied: "{name}" is a system catalog',
  'must be (?:superuser|member of role "{name}"|able to SET ROLE "{name}")',
  'new row violates row-level security policy(?: "{name}")?(?: \\(USING expression\\))? for table "{name}"',
  'query would be affected by row-level security policy for table "{name}"',
  'password authentication failed for user "{name}"',
  `no pg_hba.conf entry for (?:replication connection from )?host "${host}", user "{name}"(?:, database "{name}")?${encryption}`,
  `pg_hba.conf rejects connection for host "${host}", user "{name}"(?:, database "{name}")?${encryption}`,
  'role "{name}" (?:already exists|is not permitted to log in)',
  'database "{name}" already exists',
  'too many connections for (?:role|database) "{name}"',
  'sorry, too many clients already',
  'remaining connection slots are reserved for [a-z -]{1,80}',
];

const constraints = [
  'duplicate key value violates unique constraint "{name}"',
  'null value in column "{name}"(?: of relation "{name}")? violates not-null constraint',
  '(?:insert or update|update or delete) on table "{name}" violates (?:RESTRICT setting of )?foreign key constraint "{name}"(?: on table "{name}")?',
  'new row for relation "{name}" violates (?:check|partition) constraint(?: "{name}")?',
  'check constraint "{name}" of relation "{name}" is violated by some row',
  'conflicting key value violates exclusion constraint "{name}"',
  'no partition of relation "{name}" found for row',
  'could not create unique index "{name}"',
  'could not obtain lock on (?:row in )?relation "{name}"',
];

const values = [
  'invalid input syntax for (?:type )?{type}(?:: "{value}")?',
  'invalid input value for enum {bare}: "{value}"',
  'value "{value}" is out of range for type {type}',
  'value too long for type {type}',
  '(?:integer|bigint|smallint|oid|timestamp|date|interval|real|"char"|value|double precision) out of range',
  'value out of range: (?:overflow|underflow)',
  '(?:date/time|interval|time zone displacement) (?:field value )?out of range: "{value}"',
  'malformed (?:array|record|range|multirange) literal: "{value}"',
  'invalid byte sequence for encoding "{name}": {value}',
  'unsupported Unicode escape sequence',
  'character with byte sequence {value} in encoding "{name}" has no equivalent in encoding "{name}"',
  'numeric field overflow',
  'division by zero',
  'invalid value for parameter "{name}": "{value}"',
  'unrecognized configuration parameter "{name}"',
  'parameter "{name}" cannot be (?:changed(?: now| without restarting the server)?|set after connection start)',
  'parameter "{name}" changed to "{value}"',
];

const named =
  '(?:table|view|materialized view|index|sequence|schema|type|function|extension|trigger|language|publication|policy|collation|server|tablespace|prepared statement|cursor|portal|savepoint|domain|text search configuration)';

const syntax = [
  'syntax error at or near "{value}"',
  'syntax error at end of input',
  'unterminated (?:quoted string|quoted identifier|dollar-quoted string|/\\* comment|bit string literal|hexadecimal string literal) at or near "{value}"',
  'trailing junk after (?:numeric literal|parameter) at or near "{value}"',
  'zero-length delimited identifier at or near "{value}"',
  'relation "{name}" (?:already exists|is not a partition of relation "{name}")',
  'column "{name}" of relation "{name}" (?:does not exist|already exists)',
  // A value in the wrong quotes is a column to Postgres: `where name = "Smith"`.
  'column "{value}" does not exist',
  'column (?<VALUE>[^ ]{1,300}) does not exist',
  'column reference "{name}" is ambiguous',
  'column "{name}" (?:must appear in the GROUP BY clause or be used in an aggregate function|specified more than once)',
  'column "{name}" is of type {type} but expression is of type {type}',
  'cannot insert a non-DEFAULT value into column "{name}"',
  'column "{name}" can only be updated to DEFAULT',
  'missing FROM-clause entry for table "{name}"',
  'invalid reference to FROM-clause entry for table "{name}"',
  'table name "{name}" specified more than once',
  '(?:constraint|trigger|policy|rule) "{name}" (?:of|for) (?:relation|table) "{name}" (?:does not exist|already exists)(?:, skipping)?',
  `${named} "{name}" already exists(?:, skipping)?`,
  'relation "{name}" already exists, skipping',
  // What is looked up may be a value: `$1::regclass`, `nextval($1)`. Where it is a name, STATEMENT has it.
  `(?:relation|role|database|${named}) "{value}" does not exist(?:, skipping)?`,
  'function {bare}\\({types}\\) (?:does not exist|is not unique)',
  'operator does not exist: {type} [-+*/<>=~!@#%^&|`?]{1,8} {type}',
  'cannot cast type {type} to {type}',
  'could not determine data type of parameter \\$\\d{1,5}',
  'there is no parameter \\$\\d{1,5}',
  'bind message supplies {n} parameters, but prepared statement "{name}" requires {n}',
  'more than one row returned by a subquery used as an expression',
  'there is no unique or exclusion constraint matching the ON CONFLICT specification',
  'ON CONFLICT DO UPDATE command cannot affect row a second time',
  'INSERT has more (?:expressions than target columns|target columns than expressions)',
  'each (?:UNION|INTERSECT|EXCEPT) query must have the same number of columns',
  'aggregate functions are not allowed in (?:WHERE|GROUP BY|FROM clause)',
  'cached plan must not change result type',
  'cannot execute [A-Z ]{1,40} in a read-only transaction',
  '[A-Z ]{1,40} cannot run inside a transaction block',
];

const course = [
  'current transaction is aborted, commands ignored until end of transaction block',
  'there is (?:already a|no) transaction in progress',
  'deadlock detected',
  'could not serialize access due to (?:concurrent update|concurrent delete|read/write dependencies among transactions)',
  'canceling statement due to (?:user request|statement timeout|lock timeout|conflict with recovery)',
  'canceling autovacuum task',
  'terminating connection due to (?:administrator command|idle-in-transaction timeout|idle-session timeout|transaction timeout|conflict with recovery|unexpected postmaster exit)',
  'terminating connection because of crash of another server process',
  'duration: {n} ms',
  'process {n} (?:still waiting for|acquired|avoided deadlock for|detected deadlock while waiting for) [A-Za-z]{1,30}Lock on (?:transaction {n}|virtual transaction {n}/{n}|tuple \\({n},{n}\\) of relation {n} of database {n}|(?:extension of )?relation {n} of database {n}|advisory lock \\[{n},{n},{n},{n}\\]) after {n} ms',
  'temporary file: path "base/pgsql_tmp/[a-z0-9._/]{1,80}", size {n}',
  'unexpected EOF on client connection(?: with an open transaction)?',
  'connection to client lost',
  'could not (?:receive data from|send data to) client: [A-Za-z ]{1,60}',
  'could not accept SSL connection: [A-Za-z ]{1,60}',
  'incomplete startup packet',
  'SSL connection has been closed unexpectedly',
];

const connections = [
  `connection received: host=${host}(?: port=\\d{1,5})?`,
  'connection authenticated: (?:user="{name}" method=trust|identity="{value}" method=[a-z0-9-]{1,20})(?: \\((?:[^()]{1,300}):\\d{1,6}\\))?',
  '(?:replication )?connection authorized: user={bare}(?: database={bare})?(?: application_name={bare})?(?: SSL enabled \\(protocol=[A-Za-z0-9.]{1,20}, cipher=[A-Za-z0-9_-]{1,60}, (?:bits={n}(?:, compression=(?:on|off))?)\\))?',
  `disconnection: session time: [\\d:.]{1,30} user={bare} database={bare} host=${host}(?: port=\\d{1,5})?`,
];

const server = [
  'starting PostgreSQL [0-9A-Za-z.]{1,20} [A-Za-z0-9 ,.()_~+:-]{0,200}',
  'listening on (?:IPv[46] address "[0-9a-fA-F.:]{1,45}", port \\d{1,5}|Unix socket "[A-Za-z0-9_./-]{1,120}")',
  'database system (?:is ready to accept (?:read-only |read only )?connections|is shut down|was not properly shut down; automatic recovery in progress)',
  'database system was (?:shut down(?: in recovery)?|interrupted; last known up) at [\\d:. -]{1,40}[A-Z]{1,5}',
  'the database system is (?:starting up|shutting down|in recovery mode|not yet accepting connections|not accepting connections)',
  'received (?:SIGHUP, reloading configuration files|(?:smart|fast|immediate) shutdown request)',
  'aborting any active transactions',
  'shutting down',
  'terminating any other active server processes',
  'all server processes terminated; reinitializing',
  'server process \\(PID {n}\\) (?:exited with exit code {n}|was terminated by signal {n}: [A-Za-z ]{1,40})',
  'background worker "{name}" \\(PID {n}\\) exited with exit code {n}',
  '(?:autovacuum|logical replication) launcher (?:started|shutting down)',
  'checkpoint starting:(?: [a-z-]{1,20}){1,6}',
  'checkpoint complete: wrote {n} buffers \\({n}%\\)(?:, wrote {n} SLRU buffers)?; {n} WAL file\\(s\\) added, {n} removed, {n} recycled; write={n} s, sync={n} s, total={n} s; sync files={n}, longest={n} s, average={n} s; distance={n} kB, estimate={n} kB(?:; lsn=[0-9A-F/]{3,20}, redo lsn=[0-9A-F/]{3,20})?',
  'checkpoints are occurring too frequently \\({n} seconds? apart\\)',
  'redo (?:starts|done) at [0-9A-F/]{3,20}(?: system usage: CPU: user: {n} s, system: {n} s, elapsed: {n} s)?',
];

/** Of the primary text. */
export const knownMessages = compileTemplates([
  ...[...denied, ...constraints, ...values, ...syntax],
  ...[...course, ...connections, ...server],
]);

export const knownDetails = compileTemplates([
  'Key \\({cols}\\)=\\({values}\\) (?:already exists|is duplicated|is not present in table "{name}"|is still referenced from table "{name}"|is referenced from table "{name}"|conflicts with key \\({cols}\\)=\\({values}\\)|conflicts with existing key \\({cols}\\)=\\({values}\\))\\.',
  'Key is (?:not present in|still referenced from) table "{name}"\\.',
  'Failing row contains \\({values}\\)\\.',
  'Partition key of the failing row contains \\({cols}\\) = \\({values}\\)\\.',
  'There is a column named "{name}" in table "{name}", but it cannot be referenced from this part of the query\\.',
  'There is an entry for table "{name}", but it cannot be referenced from this part of the query\\.',
  'Token "{value}" is invalid\\.',
  'Array value must start with "\\{" or dimension information\\.',
  'A field with precision {n}, scale {n} must round to an absolute value less than [\\d^]{1,12}\\.',
  'Role "{name}" does not exist\\.',
  'User "{name}" has no password assigned\\.',
  'Password does not match for user "{name}"\\.',
  'Process(?:es)? holding the lock: [\\d, ]{1,400}\\. Wait queue: [\\d, ]{0,400}\\.',
  'Returned type {type} does not match expected type {type} in column {n}\\.',
]);

export const knownHints = compileTemplates([
  'No (?:function|operator) matches the given name and argument types?(?:\\(s\\))?\\. You might need to add explicit type casts?(?:\\(s\\))?\\.',
  'Perhaps you meant to reference the (?:column|table alias) "{name}"(?: or the column "{name}")?\\.',
  'You will need to rewrite or cast the expression\\.',
  'See server log for query details\\.',
  'The transaction might succeed if retried\\.',
  'Could not choose a best candidate (?:function|operator)\\. You might need to add explicit type casts\\.',
  'Use DROP \\.\\.\\. CASCADE to drop the dependent objects too\\.',
  'There is a column named "{name}" in table "{name}", but it cannot be referenced from this part of the query\\.',
  'There is an entry for table "{name}", but it cannot be referenced from this part of the query\\.',
  'Consider increasing the configuration parameter "?max_wal_size"?\\.',
]);
