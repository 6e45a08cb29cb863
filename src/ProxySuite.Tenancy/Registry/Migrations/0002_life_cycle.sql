-- What the life of a tenant needs beyond its beginning: suspension until a date, passwords that overlap, deletion with a way back, names that are not handed on.

-- Suspension and deletion ---------------------------------------------------------------------------------------------------------
ALTER TABLE system.tenants
  ADD COLUMN suspended_until timestamptz,  -- when it is resumed by itself; NULL: when somebody does
  ADD COLUMN deleted_from text CHECK (deleted_from IN ('active', 'suspended')),  -- what undeleting goes back to
  DROP CONSTRAINT only_suspended_tenants_have_a_reason,
  ADD CONSTRAINT only_suspended_tenants_have_a_reason CHECK (suspend_reason IS NULL OR state = 'suspended' OR deleted_from IS NOT DISTINCT FROM 'suspended'),
  ADD CONSTRAINT only_suspended_tenants_have_a_date CHECK (suspended_until IS NULL OR state = 'suspended' OR deleted_from IS NOT DISTINCT FROM 'suspended'),
  ADD CONSTRAINT only_deleting_tenants_come_from_somewhere CHECK (deleted_from IS NULL OR state = 'deleting');

-- Passwords -----------------------------------------------------------------------------------------------------------------------
-- The password before the last one counts until a time. Both have one salt and count of rounds: a login names them before it is known which password follows.
ALTER TABLE system.tenant_users
  ADD COLUMN previous_verifier text
    CHECK (previous_verifier ~ '^SCRAM-SHA-256\$[1-9][0-9]{0,8}:[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$'),
  ADD COLUMN previous_until timestamptz,
  ADD CONSTRAINT a_previous_password_ends CHECK ((previous_verifier IS NULL) = (previous_until IS NULL)),
  ADD CONSTRAINT both_passwords_have_one_salt CHECK (split_part(previous_verifier, '$', 2) = split_part(verifier, '$', 2));

-- Names ---------------------------------------------------------------------------------------------------------------------------
-- A slug that a tenant gave up is nobody else's for a while: clients that still use it must not end up with a stranger.
CREATE TABLE system.retired_slugs (
  slug       text PRIMARY KEY,
  tenant_id  uuid NOT NULL,
  until      timestamptz NOT NULL
);
CREATE FUNCTION system.check_slug() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM system.retired_slugs WHERE slug = NEW.slug AND until > now() AND tenant_id <> NEW.id) THEN
    RAISE EXCEPTION 'slug "%" belonged to another tenant until lately and is not given away yet', NEW.slug USING ERRCODE = 'unique_violation';
  END IF;
  DELETE FROM system.retired_slugs WHERE slug = NEW.slug;
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO system.retired_slugs (slug, tenant_id, until) VALUES (OLD.slug, OLD.id, now() + interval '30 days')
    ON CONFLICT (slug) DO UPDATE SET tenant_id = excluded.tenant_id, until = excluded.until;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER check_slug AFTER INSERT ON system.tenants FOR EACH ROW EXECUTE FUNCTION system.check_slug();
CREATE TRIGGER check_changed_slug AFTER UPDATE ON system.tenants FOR EACH ROW WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION system.check_slug();

-- The end of a name is announced with a version of its own, above all that an entry under it can have.
CREATE OR REPLACE FUNCTION system.notify_tenant() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.slug <> NEW.slug) THEN
    PERFORM pg_notify('proxysuite_invalidate', format('tenant %s %s', OLD.slug, nextval('system.version_seq')));
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM pg_notify('proxysuite_invalidate', format('tenant %s %s', NEW.slug, NEW.version));
  END IF;
  RETURN NULL;
END $$;

-- Jobs and their record -----------------------------------------------------------------------------------------------------------
-- Every action of the control plane is a job. One cut off is carried through by the next action on the same subject, or by `proxyctl work`.
ALTER TABLE system.jobs
  ADD COLUMN subject text NOT NULL DEFAULT '',  -- what it is done to, such as "tenant acme": one at a time
  ADD COLUMN actor   text NOT NULL DEFAULT '';
CREATE INDEX jobs_open_by_subject ON system.jobs (subject) WHERE finished_at IS NULL;
CREATE INDEX jobs_by_tenant ON system.jobs (tenant_id) WHERE finished_at IS NULL;
CREATE INDEX audit_log_by_time ON system.audit_log (at);
