2026-11-28 19:23:55 begun: ucp --log-file a b
2026-11-28 19:23:55 ucp: missing destination file operand after 'b'
2026-11-28 19:23:55 ended: 0 files with 0 bytes copied, 0 directories made, 0 removed, 0 left as they were, 0 failed; 1 errors, 0.00 s
