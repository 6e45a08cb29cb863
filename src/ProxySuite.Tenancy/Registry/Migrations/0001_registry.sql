-- The registry: which tenants exist, where each lives, what it may use, who may log in (requirement B1).
-- A file of this folder is applied once, in its own transaction, and never edited afterwards: what follows it goes into the next number.
CREATE SCHEMA IF NOT EXISTS system;
REVOKE ALL ON SCHEMA system FROM PUBLIC;

-- One row per applied file of this folder. The fleet's own schema versions are in system.schema_versions.
CREATE TABLE system.registry_versions (
  version    integer PRIMARY KEY CHECK (version > 0),
  name       text NOT NULL,
  checksum   text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

-- Versions come from one sequence, so a tenant deleted and made again under the same slug still has a higher version than before: whoever
-- holds two copies of an entry keeps the one with the higher number.
CREATE SEQUENCE system.version_seq;

-- Shards ------------------------------------------------------------------------------------------------------------------------
CREATE TABLE system.shards (
  id                integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  name              text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  -- What a proxy needs. The DSNs behind it carry the control plane's password, and no proxy reads them.
  primary_endpoints text[] NOT NULL CHECK (cardinality(primary_endpoints) > 0 AND array_position(primary_endpoints, NULL) IS NULL),
  replica_endpoints text[] NOT NULL DEFAULT '{}' CHECK (array_position(replica_endpoints, NULL) IS NULL),
  database_name     text NOT NULL CHECK (octet_length(database_name) BETWEEN 1 AND 63),
  tls_mode          text NOT NULL CHECK (tls_mode IN ('disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full')),
  primary_dsn       text NOT NULL,
  replica_dsn       text,
  region            text NOT NULL DEFAULT '' CHECK (region ~ '^[A-Za-z0-9._-]{0,63}$'),
  tenants_max       integer NOT NULL DEFAULT 500 CHECK (tenants_max BETWEEN 1 AND 100000),
  connections_max   integer NOT NULL DEFAULT 200 CHECK (connections_max BETWEEN 1 AND 100000),
  lockdown          text NOT NULL DEFAULT 'relaxed' CHECK (lockdown IN ('relaxed', 'strict')),
  accepting         boolean NOT NULL DEFAULT true,
  prepared_at       timestamptz,  -- when `shard prepare` last succeeded; NULL: never
  created_at        timestamptz NOT NULL DEFAULT now(),
  version           bigint NOT NULL DEFAULT 0,
  CHECK ((replica_dsn IS NULL) = (cardinality(replica_endpoints) = 0))
);

-- Plans (A7) ----------------------------------------------------------------------------------------------------------------------
CREATE TABLE system.plans (
  name                 text PRIMARY KEY CHECK (name ~ '^[a-z0-9_-]{1,63}$'),
  statement_timeout_ms bigint NOT NULL CHECK (statement_timeout_ms BETWEEN 1 AND 86400000),
  work_mem_kb          bigint NOT NULL CHECK (work_mem_kb BETWEEN 64 AND 1073741824),
  connections          integer NOT NULL CHECK (connections BETWEEN 1 AND 10000),
  queries_per_second   integer CHECK (queries_per_second BETWEEN 1 AND 1000000),
  weight               integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
  pool_mode            text CHECK (pool_mode IN ('transaction', 'session', 'statement')),
  settings             jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  version              bigint NOT NULL DEFAULT 0
);

-- Tenants -------------------------------------------------------------------------------------------------------------------------
-- The current placement stands in the tenant's own row, so that a look-up reads one row and a move's flip is one UPDATE
-- (WHERE placement_epoch = … AND placement_state = 'cutover'); its history is kept in system.placements by a trigger.
CREATE TABLE system.tenants (
  id                   uuid PRIMARY KEY,
  slug                 text NOT NULL UNIQUE
    CHECK (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$')
    CHECK (slug NOT IN ('pgbouncer', 'proxysuite', 'postgres', 'template0', 'template1')),
  plan                 text NOT NULL REFERENCES system.plans (name),
  isolation            text NOT NULL DEFAULT 'schema' CHECK (isolation IN ('pool', 'schema', 'database')),
  identity             text NOT NULL DEFAULT 'role' CHECK (identity IN ('role', 'sealed')),
  state                text NOT NULL DEFAULT 'creating' CHECK (state IN ('creating', 'active', 'suspended', 'deleting')),
  is_active            boolean NOT NULL GENERATED ALWAYS AS (state = 'active') STORED,
  suspend_reason       text CHECK (length(suspend_reason) <= 1000),
  delete_after         timestamptz,  -- end of the retention of a tenant in state 'deleting'
  shard_id             integer NOT NULL REFERENCES system.shards (id),
  schema_name          text NOT NULL GENERATED ALWAYS AS
    (CASE isolation WHEN 'schema' THEN 'tenant_' || replace(id::text, '-', '') ELSE 'public' END) STORED,
  -- NULL: the shard's shared database.
  own_database         text GENERATED ALWAYS AS (CASE isolation WHEN 'database' THEN 'tenant_' || replace(id::text, '-', '') END) STORED,
  placement_epoch      bigint NOT NULL DEFAULT 1 CHECK (placement_epoch > 0),
  placement_state      text NOT NULL DEFAULT 'active' CHECK (placement_state IN ('active', 'moving', 'cutover', 'settling')),
  migrating_to_shard   integer REFERENCES system.shards (id),
  migration_started_at timestamptz,
  credentials_epoch    integer NOT NULL DEFAULT 1 CHECK (credentials_epoch > 0),
  created_at           timestamptz NOT NULL DEFAULT now(),
  version              bigint NOT NULL DEFAULT 0,
  CONSTRAINT sealed_tenants_share_tables CHECK (identity = 'role' OR isolation = 'pool'),
  CONSTRAINT only_suspended_tenants_have_a_reason CHECK (suspend_reason IS NULL OR state = 'suspended'),
  CONSTRAINT only_deleting_tenants_end CHECK ((delete_after IS NOT NULL) = (state = 'deleting')),
  -- While a tenant moves, its shard is the source; from 'settling' on it is the target.
  CONSTRAINT a_move_has_a_target CHECK ((placement_state IN ('moving', 'cutover')) = (migrating_to_shard IS NOT NULL)),
  CONSTRAINT a_move_has_a_start CHECK ((placement_state = 'active') = (migration_started_at IS NULL)),
  CONSTRAINT a_move_goes_elsewhere CHECK (migrating_to_shard <> shard_id)
);
CREATE INDEX tenants_by_shard ON system.tenants (shard_id);
CREATE INDEX tenants_by_target ON system.tenants (migrating_to_shard) WHERE migrating_to_shard IS NOT NULL;
CREATE INDEX tenants_by_plan ON system.tenants (plan);

-- What a tenant has otherwise than its plan; NULL leaves the plan's value.
CREATE TABLE system.tenant_overrides (
  tenant_id            uuid PRIMARY KEY REFERENCES system.tenants (id) ON DELETE CASCADE,
  statement_timeout_ms bigint CHECK (statement_timeout_ms BETWEEN 1 AND 86400000),
  work_mem_kb          bigint CHECK (work_mem_kb BETWEEN 64 AND 1073741824),
  connections          integer CHECK (connections BETWEEN 1 AND 10000),
  queries_per_second   integer CHECK (queries_per_second BETWEEN 1 AND 1000000),
  weight               integer CHECK (weight BETWEEN 1 AND 1000),
  pool_mode            text CHECK (pool_mode IN ('transaction', 'session', 'statement')),
  settings             jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object')
);

-- Who may log in. The verifier proves a password and is none itself; a plain password or an md5 hash does not fit the form.
CREATE TABLE system.tenant_users (
  tenant_id   uuid NOT NULL REFERENCES system.tenants (id) ON DELETE CASCADE,
  name        text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 63 AND name !~ '[[:cntrl:]]'),
  role        text NOT NULL DEFAULT 'app' CHECK (role IN ('app', 'owner', 'readonly')),
  verifier    text NOT NULL CHECK (verifier ~ '^SCRAM-SHA-256\$[1-9][0-9]{0,8}:[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$'),
  valid_until timestamptz,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);

-- Where each tenant has lived: a row an epoch, the current one with ended_at NULL. Positions in the WAL are filled in by moves, so that a
-- restore to a time before a move knows which shard's log to read.
CREATE TABLE system.placements (
  tenant_id     uuid NOT NULL,  -- no foreign key: the history outlives its tenant, as its backups do
  epoch         bigint NOT NULL CHECK (epoch > 0),
  shard_id      integer NOT NULL REFERENCES system.shards (id),
  isolation     text NOT NULL,
  schema_name   text NOT NULL,
  database_name text NOT NULL,
  from_lsn      pg_lsn,
  to_lsn        pg_lsn,
  began_at      timestamptz NOT NULL DEFAULT now(),
  ended_at      timestamptz CHECK (ended_at >= began_at),
  PRIMARY KEY (tenant_id, epoch)
);
CREATE UNIQUE INDEX placements_current ON system.placements (tenant_id) WHERE ended_at IS NULL;

-- Versions and notifications --------------------------------------------------------------------------------------------------------
-- Channel proxysuite_invalidate; payload "tenant <slug> <version>", "plan <name> <version>" or "shard <id> <version>".
-- Notifications leave with the commit, so whoever hears one and asks again sees the change.
CREATE FUNCTION system.bump_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.version := nextval('system.version_seq');
  RETURN NEW;
END $$;
CREATE TRIGGER bump_version BEFORE INSERT OR UPDATE ON system.shards FOR EACH ROW EXECUTE FUNCTION system.bump_version();
CREATE TRIGGER bump_version BEFORE INSERT OR UPDATE ON system.plans FOR EACH ROW EXECUTE FUNCTION system.bump_version();
CREATE TRIGGER bump_version BEFORE INSERT OR UPDATE ON system.tenants FOR EACH ROW EXECUTE FUNCTION system.bump_version();

CREATE FUNCTION system.notify_shard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE changed record := coalesce(NEW, OLD);
BEGIN
  PERFORM pg_notify('proxysuite_invalidate', format('shard %s %s', changed.id, changed.version));
  RETURN NULL;
END $$;
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON system.shards FOR EACH ROW EXECUTE FUNCTION system.notify_shard();

CREATE FUNCTION system.notify_plan() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE changed record := coalesce(NEW, OLD);
BEGIN
  PERFORM pg_notify('proxysuite_invalidate', format('plan %s %s', changed.name, changed.version));
  RETURN NULL;
END $$;
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON system.plans FOR EACH ROW EXECUTE FUNCTION system.notify_plan();

CREATE FUNCTION system.notify_tenant() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.slug <> NEW.slug) THEN
    PERFORM pg_notify('proxysuite_invalidate', format('tenant %s %s', OLD.slug, OLD.version));
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM pg_notify('proxysuite_invalidate', format('tenant %s %s', NEW.slug, NEW.version));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON system.tenants FOR EACH ROW EXECUTE FUNCTION system.notify_tenant();

-- A change of users or overrides is a change of the tenant: touching its row raises the version and notifies.
CREATE FUNCTION system.touch_tenant() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE changed record := coalesce(NEW, OLD);
BEGIN
  UPDATE system.tenants SET version = version WHERE id = changed.tenant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER touch_tenant AFTER INSERT OR UPDATE OR DELETE ON system.tenant_users FOR EACH ROW EXECUTE FUNCTION system.touch_tenant();
CREATE TRIGGER touch_tenant AFTER INSERT OR UPDATE OR DELETE ON system.tenant_overrides FOR EACH ROW EXECUTE FUNCTION system.touch_tenant();

-- Rules between tables ----------------------------------------------------------------------------------------------------------------
-- Each takes the lock on the other row that makes it true under concurrency, too.
CREATE FUNCTION system.check_tenant() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.identity = 'sealed' THEN
    PERFORM FROM system.shards WHERE id = NEW.shard_id AND lockdown = 'strict' FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'sealed tenant "%" needs a shard with lockdown strict', NEW.slug USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF NEW.isolation = 'pool' AND EXISTS (SELECT FROM system.tenant_users WHERE tenant_id = NEW.id AND role = 'owner') THEN
    RAISE EXCEPTION 'tenant "%" has users of role owner, which the pool model does not know', NEW.slug USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'the id of a tenant never changes' USING ERRCODE = 'check_violation';
  END IF;
  -- An epoch names one placement for ever: another shard or model is another epoch, and epochs only rise.
  IF TG_OP = 'UPDATE' AND (NEW.placement_epoch < OLD.placement_epoch
      OR (NEW.placement_epoch = OLD.placement_epoch AND (NEW.shard_id, NEW.isolation) <> (OLD.shard_id, OLD.isolation))) THEN
    RAISE EXCEPTION 'a change of the placement of tenant "%" must raise its epoch', NEW.slug USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER check_tenant BEFORE INSERT OR UPDATE ON system.tenants FOR EACH ROW EXECUTE FUNCTION system.check_tenant();

CREATE FUNCTION system.check_user() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.role = 'owner' THEN
    PERFORM FROM system.tenants WHERE id = NEW.tenant_id AND isolation <> 'pool' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'users of role owner are not possible in the pool model' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER check_user BEFORE INSERT OR UPDATE ON system.tenant_users FOR EACH ROW EXECUTE FUNCTION system.check_user();

CREATE FUNCTION system.check_shard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.lockdown <> 'strict' AND OLD.lockdown = 'strict'
      AND EXISTS (SELECT FROM system.tenants WHERE shard_id = NEW.id AND identity = 'sealed') THEN
    RAISE EXCEPTION 'shard "%" holds sealed tenants, so its lockdown stays strict', NEW.name USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER check_shard BEFORE UPDATE ON system.shards FOR EACH ROW EXECUTE FUNCTION system.check_shard();

CREATE FUNCTION system.record_placement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.placement_epoch <> OLD.placement_epoch) THEN
    UPDATE system.placements SET ended_at = greatest(now(), began_at) WHERE tenant_id = OLD.id AND ended_at IS NULL;
  END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.placement_epoch <> OLD.placement_epoch) THEN
    INSERT INTO system.placements (tenant_id, epoch, shard_id, isolation, schema_name, database_name)
    SELECT NEW.id, NEW.placement_epoch, NEW.shard_id, NEW.isolation, NEW.schema_name, coalesce(NEW.own_database, s.database_name)
    FROM system.shards s WHERE s.id = NEW.shard_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER record_placement AFTER INSERT OR UPDATE OR DELETE ON system.tenants FOR EACH ROW EXECUTE FUNCTION system.record_placement();

-- Work of the control plane -------------------------------------------------------------------------------------------------------------
-- A job belongs to one worker while its lease lasts. The fence rises with every lease and stands in the WHERE of every UPDATE, so a worker
-- that lost its lease can no longer write.
CREATE TABLE system.jobs (
  id          uuid PRIMARY KEY,
  kind        text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_.-]{0,62}$'),
  key         text NOT NULL,  -- names the intent: the same request made twice is the same job
  tenant_id   uuid,           -- no foreign keys: what was done to a tenant or shard outlives it
  shard_id    integer,
  state       text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  step        text NOT NULL DEFAULT '',
  payload     jsonb NOT NULL DEFAULT '{}',
  progress    jsonb NOT NULL DEFAULT '{}',
  attempts    integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_error  text,
  fence       bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_owner text,
  lease_until timestamptz,
  run_after   timestamptz NOT NULL DEFAULT now(),
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CONSTRAINT a_running_job_is_leased CHECK ((state = 'running') = (lease_owner IS NOT NULL) AND (lease_owner IS NULL) = (lease_until IS NULL)),
  CONSTRAINT a_finished_job_has_an_end CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX jobs_open_once ON system.jobs (kind, key) WHERE finished_at IS NULL;
CREATE INDEX jobs_due ON system.jobs (run_after) WHERE finished_at IS NULL;

-- Proxies say that they live; a hold counts the acknowledgements of those whose heartbeat is fresh.
CREATE TABLE system.proxies (
  id           uuid PRIMARY KEY,
  name         text NOT NULL,
  started_at   timestamptz NOT NULL,
  heartbeat_at timestamptz NOT NULL DEFAULT now(),
  details      jsonb NOT NULL DEFAULT '{}'
);

-- A hold asks every proxy to begin no transaction of a tenant in an epoch until it is released or expires.
CREATE TABLE system.holds (
  id         uuid PRIMARY KEY,
  tenant_id  uuid NOT NULL REFERENCES system.tenants (id) ON DELETE CASCADE,
  epoch      bigint NOT NULL CHECK (epoch > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  UNIQUE (tenant_id, epoch)
);
CREATE TABLE system.hold_acks (
  hold_id  uuid NOT NULL REFERENCES system.holds (id) ON DELETE CASCADE,
  proxy_id uuid NOT NULL REFERENCES system.proxies (id) ON DELETE CASCADE,
  pinned   integer NOT NULL DEFAULT 0 CHECK (pinned >= 0),  -- sessions that could not be held
  acked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (hold_id, proxy_id)
);

CREATE TABLE system.moves (
  id           uuid PRIMARY KEY,
  tenant_id    uuid NOT NULL,
  source_shard integer NOT NULL REFERENCES system.shards (id),
  target_shard integer NOT NULL REFERENCES system.shards (id),
  state        text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'schema', 'slot', 'copying', 'indexing', 'catching_up',
    'verifying', 'cutover', 'settling', 'reversible', 'cleanup', 'done', 'aborted')),
  epoch        bigint NOT NULL CHECK (epoch > 0),  -- the placement it started from
  rev_lsn      pg_lsn,                             -- where the stream back begins
  marker       text,
  hold_until   timestamptz,
  attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_error   text,
  fence        bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
  lease_owner  text,
  lease_until  timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CHECK (source_shard <> target_shard),
  CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
CREATE UNIQUE INDEX one_move_a_tenant ON system.moves (tenant_id) WHERE state NOT IN ('reversible', 'cleanup', 'done', 'aborted');
CREATE TABLE system.move_tables (
  move_id      uuid NOT NULL REFERENCES system.moves (id) ON DELETE CASCADE,
  table_name   text NOT NULL,
  bytes_total  bigint NOT NULL DEFAULT 0 CHECK (bytes_total >= 0),
  bytes_copied bigint NOT NULL DEFAULT 0 CHECK (bytes_copied >= 0),
  PRIMARY KEY (move_id, table_name)
);

-- The versions of the tenants' own schema that the fleet knows; what each tenant has is recorded on its shard.
CREATE TABLE system.schema_versions (
  version       text PRIMARY KEY,
  checksum      text NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now()
);

-- What was done to the platform, by whom. Entries are neither changed nor removed; names are copied, as the log outlives what it names.
CREATE TABLE system.audit_log (
  id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  at      timestamptz NOT NULL DEFAULT now(),
  actor   text NOT NULL,
  action  text NOT NULL,
  subject text NOT NULL,  -- "tenant acme", "shard s1"
  outcome text NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'failed')),
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_by_subject ON system.audit_log (subject, id);
CREATE FUNCTION system.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'entries of the audit log are not changed' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON system.audit_log FOR EACH ROW EXECUTE FUNCTION system.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON system.audit_log FOR EACH STATEMENT EXECUTE FUNCTION system.refuse_change();

-- The plans a new registry starts with (A7); afterwards they belong to the operator.
INSERT INTO system.plans (name, statement_timeout_ms, work_mem_kb, connections, weight) VALUES
  ('free',         5000,   4 * 1024,   2, 1),
  ('starter',     30000,  16 * 1024,   5, 2),
  ('growth',      60000,  64 * 1024,  20, 4),
  ('enterprise', 300000, 256 * 1024, 100, 8);
