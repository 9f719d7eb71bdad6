-- For looks that are taken often, or at every removal.

CREATE INDEX api_key_revoked ON api_key (revoked_ms) WHERE revoked_ms IS NOT NULL;
CREATE INDEX link_person ON link (person_id);
CREATE INDEX person_age ON person (created_ms) WHERE email IS NULL;
