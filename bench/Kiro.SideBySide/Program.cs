using Kiro.SideBySide;

// Started by bench/run with the folder bench/, the folder of the published programs, and the run's options.
return SideBySideRun.Start(args[0], args[1], args[2..]);
