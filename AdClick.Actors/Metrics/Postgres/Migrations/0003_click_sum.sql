-- sum(bigint) computes in numeric, which for the many small groups of an answer costs more than reading them. This one stays with bigint.
CREATE AGGREGATE click_sum(bigint) (SFUNC = int8pl, STYPE = bigint, COMBINEFUNC = int8pl, PARALLEL = SAFE);
