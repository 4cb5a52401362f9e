# Installs flowbind from a release: downloads the archive for Windows, checks it, and unpacks the program.
#
#   .\install.ps1 [-To FOLDER]     the default folder is %LOCALAPPDATA%\Programs\flowbind
#
# FLOWBIND_RELEASE   web address of the release's files, which holds SHA256SUMS and the archives
# FLOWBIND_SHA256    optional: the checksum that the archive must have, whatever SHA256SUMS says
param([string] $To = (Join-Path $env:LOCALAPPDATA 'Programs\flowbind'))
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

# A release writes its own address here.
$default_release = ''

$release = if ($env:FLOWBIND_RELEASE) { $env:FLOWBIND_RELEASE } else { $default_release }
if (-not $release) { throw 'set FLOWBIND_RELEASE to the web address of the release files' }
$target = 'x86_64-pc-windows-msvc'
$work = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
New-Item -ItemType Directory -Path $work | Out-Null
try {
    $sums = Join-Path $work 'SHA256SUMS'
    Invoke-WebRequest -UseBasicParsing -Uri "$release/SHA256SUMS" -OutFile $sums
    $pattern = '^(?<sum>[0-9a-f]{64}) +\*?(?<name>flowbind-[0-9A-Za-z.+-]+-' + [regex]::Escape($target) + '\.tar\.gz)\s*$'
    $lines = @(Get-Content $sums | Where-Object { $_ -match $pattern })
    if ($lines.Count -ne 1) { throw "$release/SHA256SUMS does not name one archive for $target" }
    $null = $lines[0] -match $pattern
    $name = $Matches['name']
    $expected = if ($env:FLOWBIND_SHA256) { $env:FLOWBIND_SHA256 } else { $Matches['sum'] }
    $archive = Join-Path $work $name
    Invoke-WebRequest -UseBasicParsing -Uri "$release/$name" -OutFile $archive

    $found = (Get-FileHash -Algorithm SHA256 -Path $archive).Hash.ToLowerInvariant()
    if ($found -ne $expected) { throw "nothing was installed: $name has the checksum $found, expected $expected" }

    # Windows 10 and later bring tar along.
    tar -xzf $archive -C $work
    if ($LASTEXITCODE -ne 0) { throw "nothing was installed: $name cannot be unpacked" }
    New-Item -ItemType Directory -Force -Path $To | Out-Null
    $program = Join-Path $To 'flowbind.exe'
    Copy-Item -Force -Path (Join-Path (Join-Path $work ($name -replace '\.tar\.gz$', '')) 'flowbind.exe') -Destination $program
    Write-Output "Installed $(& $program -V) to $program"
    if (-not (($env:PATH -split ';') -contains $To)) { Write-Output "Add $To to PATH." }
}
finally {
    Remove-Item -Recurse -Force $work
}
