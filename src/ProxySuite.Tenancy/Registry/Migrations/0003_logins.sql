-- What logins may depend on beside a SCRAM verifier: md5 hashes for clients that know nothing better, and the networks a tenant's clients come from.

-- Passwords -----------------------------------------------------------------------------------------------------------------------
-- An md5 hash counts only where a host rule of method md5 says so. A plain password still fits neither form.
ALTER TABLE system.tenant_users
  DROP CONSTRAINT tenant_users_verifier_check,
  ADD CONSTRAINT tenant_users_verifier_check
    CHECK (verifier ~ '^(SCRAM-SHA-256\$[1-9][0-9]{0,8}:[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=|md5[0-9a-f]{32})$'),
  DROP CONSTRAINT tenant_users_previous_verifier_check,
  ADD CONSTRAINT tenant_users_previous_verifier_check
    CHECK (previous_verifier ~ '^(SCRAM-SHA-256\$[1-9][0-9]{0,8}:[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=|md5[0-9a-f]{32})$');

-- Addresses -----------------------------------------------------------------------------------------------------------------------
-- From where the tenant's users may log in; empty: from everywhere.
ALTER TABLE system.tenants
  ADD COLUMN allowed_networks cidr[] NOT NULL DEFAULT '{}'
    CHECK (cardinality(allowed_networks) <= 100 AND array_position(allowed_networks, NULL) IS NULL);
