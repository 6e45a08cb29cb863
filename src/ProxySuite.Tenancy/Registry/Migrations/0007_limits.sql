-- What a tenant may ask for in a time, what it is given whatever others ask for, and whether it may read its changes as a stream. NULL: no limit, or in an override the plan's.
ALTER TABLE system.plans
  ADD COLUMN burst integer CHECK (burst BETWEEN 1 AND 1000000),
  ADD COLUMN connections_per_second integer CHECK (connections_per_second BETWEEN 1 AND 100000),
  ADD COLUMN concurrent_queries integer CHECK (concurrent_queries BETWEEN 1 AND 10000),
  ADD COLUMN query_seconds_per_minute integer CHECK (query_seconds_per_minute BETWEEN 1 AND 1000000),
  ADD COLUMN bytes_per_minute bigint CHECK (bytes_per_minute BETWEEN 65536 AND 1125899906842624),
  ADD COLUMN clients_max integer CHECK (clients_max BETWEEN 1 AND 1000000),
  ADD COLUMN connections_min integer NOT NULL DEFAULT 0 CHECK (connections_min BETWEEN 0 AND connections),
  ADD COLUMN replication boolean NOT NULL DEFAULT false;
ALTER TABLE system.tenant_overrides
  ADD COLUMN burst integer CHECK (burst BETWEEN 1 AND 1000000),
  ADD COLUMN connections_per_second integer CHECK (connections_per_second BETWEEN 1 AND 100000),
  ADD COLUMN concurrent_queries integer CHECK (concurrent_queries BETWEEN 1 AND 10000),
  ADD COLUMN query_seconds_per_minute integer CHECK (query_seconds_per_minute BETWEEN 1 AND 1000000),
  ADD COLUMN bytes_per_minute bigint CHECK (bytes_per_minute BETWEEN 65536 AND 1125899906842624),
  ADD COLUMN clients_max integer CHECK (clients_max BETWEEN 1 AND 1000000),
  ADD COLUMN connections_min integer CHECK (connections_min BETWEEN 0 AND 10000),
  ADD COLUMN replication boolean,
  ADD COLUMN pins_max integer CHECK (pins_max BETWEEN 1 AND 10000),
  ADD COLUMN pinned_idle_ms bigint CHECK (pinned_idle_ms = 0 OR pinned_idle_ms BETWEEN 1000 AND 604800000);
