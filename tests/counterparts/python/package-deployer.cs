// Stand-ins for the types of Package Deployer that the recipe uses, and a program that deploys its package:
// https://learn.microsoft.com/power-platform/alm/package-deployer-tool
using System;
using System.Diagnostics;

namespace Microsoft.Xrm.Tooling.PackageDeployment.CrmPackageExtentionBase
{
    public interface IImportExtensions { }

    public class TraceLogger
    {
        public void Log(string message) { Log(message, TraceEventType.Information); }

        public void Log(string message, TraceEventType type)
        {
            lock (this) Console.WriteLine(type + ": " + message);
        }
    }

    public class CrmServiceClient
    {
        public Uri CrmConnectOrgUriActual { get; set; }
    }

    public abstract class ImportExtension : IImportExtensions
    {
        public TraceLogger PackageLog { get; } = new TraceLogger();
        public CrmServiceClient CrmSvc { get; } = new CrmServiceClient();

        public abstract string GetImportPackageDataFolderName { get; }
        public abstract string GetImportPackageDescriptionText { get; }
        public abstract string GetLongNameOfImport { get; }
        public abstract string GetNameOfImport(bool plural);
        public abstract void InitializeCustomExtension();
        public abstract bool BeforeImportStage();
        public abstract bool AfterPrimaryImport();
    }
}

public static class Deployment
{
    public static int Main(string[] arguments)
    {
        var package = new PackageImportExtension();
        package.CrmSvc.CrmConnectOrgUriActual = new Uri(arguments[0]);
        package.InitializeCustomExtension();
        return package.BeforeImportStage() && package.AfterPrimaryImport() ? 0 : 1;
    }
}
