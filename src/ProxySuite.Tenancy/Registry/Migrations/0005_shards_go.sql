-- A shard that holds nobody any more can be removed. What lived there once stays on record under its number, which is never given again.
ALTER TABLE system.placements DROP CONSTRAINT placements_shard_id_fkey;
ALTER TABLE system.moves DROP CONSTRAINT moves_source_shard_fkey, DROP CONSTRAINT moves_target_shard_fkey;
