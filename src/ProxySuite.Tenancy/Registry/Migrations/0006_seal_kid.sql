-- Which key of its own the proxies seal tenant contexts with on a shard. The keys themselves follow from the master key and are kept nowhere here.
ALTER TABLE system.shards ADD COLUMN seal_kid integer NOT NULL DEFAULT 1 CHECK (seal_kid > 0);
