package zkserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Errors of this package.
var (
	// ErrNoJars says that ZooKeeper's jars are not where they were looked for, and what to install.
	ErrNoJars = errors.New("no ZooKeeper is installed: install it (Debian, Ubuntu: apt-get install --no-install-recommends zookeeper), or unpack a release and name its folder with --zookeeper-home")
	// ErrNoJava says that there is no Java to run ZooKeeper with, and what to install.
	ErrNoJava = errors.New("no Java is installed: install it (Debian, Ubuntu: apt-get install --no-install-recommends default-jre-headless)")
	// ErrEnded says that the server ended before it served; its last words follow.
	ErrEnded = errors.New("the ZooKeeper server ended")
)

// systemJars is where the packages of Debian and Ubuntu put their jars.
const systemJars = "/usr/share/java"

// Installed tells whether Start would find Java and ZooKeeper's jars; home is as in Config. Its error says what to install.
func Installed(home string) error {
	if _, err := findJava(); err != nil {
		return err
	}
	_, err := classPath(home)
	return err
}

// classPath gives the jars of the release unpacked in home, or of the system where home is empty.
func classPath(home string) (string, error) {
	if home == "" {
		return systemClassPath(systemJars)
	}
	var jars []string
	for _, dir := range []string{home, filepath.Join(home, "lib")} {
		found, err := filepath.Glob(filepath.Join(dir, "*.jar"))
		if err != nil {
			return "", fmt.Errorf("look for jars: %w", err)
		}
		jars = append(jars, found...)
	}
	for _, jar := range jars {
		if strings.HasPrefix(filepath.Base(jar), "zookeeper") {
			return strings.Join(jars, ":"), nil
		}
	}
	return "", fmt.Errorf("look for ZooKeeper's jars in %s and its lib: %w", home, ErrNoJars)
}

// systemClassPath relies on the Class-Path of the distribution's zookeeper.jar, which names all but a logger.
func systemClassPath(dir string) (string, error) {
	main := filepath.Join(dir, "zookeeper.jar")
	if _, err := os.Stat(main); err != nil {
		return "", fmt.Errorf("look for %s: %w", main, ErrNoJars)
	}
	jars := []string{main}
	for _, name := range []string{
		"slf4j-simple.jar",
		// What TLS needs and the Class-Path leaves out.
		"netty-codec.jar", "netty-resolver.jar", "netty-transport-native-unix-common.jar",
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			jars = append(jars, filepath.Join(dir, name))
		}
	}
	return strings.Join(jars, ":"), nil
}

func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if java, err := exec.LookPath(filepath.Join(home, "bin", "java")); err == nil {
			return java, nil
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", ErrNoJava
	}
	return java, nil
}
