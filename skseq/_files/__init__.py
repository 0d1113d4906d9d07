"""Files: models of skseq.save, and graphs for other runtimes."""
