"""Every named query; SQL is written here, in the promises and in the migrations only."""
