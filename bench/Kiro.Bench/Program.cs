using BenchmarkDotNet.Running;
using Kiro.Bench;

// dotnet run -c Release --project bench/Kiro.Bench -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(PickNode).Assembly).Run(args);
