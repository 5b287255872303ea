using Kiro.Fleet;

// dotnet run -c Release --project bench/Kiro.Fleet [-- FOLDER]: writes fleet.md and fleet.svg there.
return FleetRun.Start(args);
