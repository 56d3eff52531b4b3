"""What proves the record: chains of digests, seals, anchors and inclusion proofs. Pure."""
