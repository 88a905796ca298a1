"""Reference services: small, honest targets whose latencies are known exactly. They import only `perfspec.base`."""
