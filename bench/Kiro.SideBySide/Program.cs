using Kiro.SideBySide;

// bench/run builds, publishes and starts this: the folder bench/, where things were published, and the run's options.
return SideBySideRun.Start(args[0], args[1], args[2..]);
